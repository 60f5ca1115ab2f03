"""Texts into token numbers, by the `tokenizers` library: in Rust, with the GIL released."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.errors import BundleCorrupt, InvalidInput, ModelFailed
from modelport.runtimes.batch import Ragged
from modelport.runtimes.transformer.spec import Transformer

Integers = npt.NDArray[np.int64]

_PARALLEL = "TOKENIZERS_PARALLELISM"


class Tokens:
    """A tokenizer that cuts every text at the model's own maximum. Thread-safe."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._max_length = max_length

    def numbers(self, texts: Sequence[str]) -> list[Any]:
        """The encoding of every text, without offsets. Raises `InvalidInput` naming a row that is no text."""
        return self._encoded(texts, self._tokenizer.encode_batch_fast)

    def places(self, texts: Sequence[str]) -> list[Any]:
        """The encoding of every text with offsets in characters and the numbers of words."""
        return self._encoded(texts, self._tokenizer.encode_batch)

    def cut(self, encodings: Sequence[Any], lengths: Integers) -> npt.NDArray[np.bool_]:
        """Which of the texts were longer than the model's maximum."""
        cut = lengths >= self._max_length
        for place in np.flatnonzero(cut).tolist():
            cut[place] = bool(encodings[place].overflowing)
        return cut

    def shorten(self, text: str, most: int) -> str | None:
        """The text up to its token number `most`, tokens that are added around it not counted.

        None when it has no more than that, or when the model's own maximum cuts it earlier.
        """
        ends = self._ends(text)
        if len(ends) <= most:
            return None
        kept = most
        short = text[: ends[kept - 1]]
        # A piece of a word may be read as several tokens once the rest of it is gone.
        while kept > 1 and len(self._ends(short)) > most:
            kept -= 1
            short = text[: ends[kept - 1]]
        return short

    def _ends(self, text: str) -> list[int]:
        """Where the tokens of the text end, in characters."""
        (encoding,) = self.places([text])
        marks = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        return [end for (_, end), special in marks if not special]

    def _encoded(self, texts: Sequence[str], encode: Any) -> list[Any]:
        try:
            with _panics_are_failures():
                encodings: list[Any] = encode(texts)
        except (TypeError, UnicodeError):
            place = next((row for row, text in enumerate(texts) if not _is_text(text)), 0)
            msg = f"row {place} is not text"
            hint = "send a string of valid Unicode"
            raise InvalidInput(msg, code="not-utf8", hint=hint, pointer=f"/{place}") from None
        except ModelFailed:
            raise
        except Exception as error:
            raise _failed() from error
        return encodings


def load(data: bytes, spec: Transformer) -> Tokens:
    """The tokenizer in `data`, which has passed `audit`.

    Raises `BundleCorrupt` when the library does not take it, or when it does not keep to the maximum.
    """
    os.environ.setdefault(_PARALLEL, "false")  # its threads would take the cores that other requests need
    from tokenizers import Tokenizer

    try:
        with _panics_are_failures():
            tokenizer = Tokenizer.from_str(data.decode())
            tokenizer.no_padding()
            tokenizer.enable_truncation(spec.max_length)
            longest = len(tokenizer.encode("a " * (spec.max_length + 1)).ids)
            added = max(tokenizer.get_added_tokens_decoder(), default=0)
    except Exception as error:
        msg = "the tokenizer cannot be loaded"
        raise BundleCorrupt(msg, hint="pack the model again") from error
    if longest > spec.max_length:
        msg = f"the tokenizer makes {longest} tokens where the model takes {spec.max_length}"
        raise BundleCorrupt(msg, hint="pack the model again")
    if added >= spec.vocabulary:  # a word that is there already gets another number than the file says
        msg = f"the tokenizer has the token number {added}, the model knows those below {spec.vocabulary}"
        raise BundleCorrupt(msg, hint="pack the model again")
    return Tokens(tokenizer, spec.max_length)


def ragged(rows: Sequence[Sequence[int]]) -> Ragged:
    """Rows of numbers end to end."""
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), out=offsets[1:])
    return Ragged(np.fromiter(chain.from_iterable(rows), np.int64, int(offsets[-1])), offsets)


@contextmanager
def _panics_are_failures() -> Iterator[None]:
    """A panic in Rust is no `Exception` in Python: it would end the thread that serves."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _failed() from error


def _failed() -> ModelFailed:
    msg = "the tokenizer failed on this text"
    return ModelFailed(msg, hint="does its vocabulary hold its own token for unknown words?")


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False
