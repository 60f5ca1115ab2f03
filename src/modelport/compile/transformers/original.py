"""The original model, for parity and for the speed comparison: PyTorch on texts of one length at a time.

Rows of one length need no padding, so that what the compiled model makes of padding is proven against none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from modelport.compile.compiled import Outputs
from modelport.compile.sample import TEXT
from modelport.compile.torch.threads import one_thread
from modelport.compile.transformers.heads import ANSWERS, Answering
from modelport.compile.transformers.subject import Subject
from modelport.compile.transformers.tags import tags_of
from modelport.compile.transformers.tokenizing import feeds, max_length
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch, Ragged
from modelport.runtimes.transformer import entities

_ROWS = 32


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts of one length: their places, and tensors `[rows, tokens]` by feed."""

    places: list[int]
    tensors: dict[str, Any]


def original_of(subject: Subject) -> Callable[[Batch], Outputs]:
    """What `subject` itself answers, on one thread as the compiled model does.

    Raises `Unsupported` (`tokenizer-absent`) where entities are wanted of a tokenizer that loses places.
    """
    answers = Entities(subject) if subject.kind == "tokens" else Original(subject)

    def original(batch: Batch) -> Outputs:
        with one_thread():
            return answers(batch)

    return original


class Original:
    """Answers texts as the model itself does, tokenized by its own tokenizer."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._feeds = feeds(subject)
        self._most = max_length(subject)
        self._module = Answering(subject, self._feeds)

    def __call__(self, batch: Batch) -> Outputs:
        """The outputs that `heads.ANSWERS` names, by row."""
        encoded = [self.encode(text) for text in batch.array(TEXT)]
        rows = self.rows(encoded)
        return {
            name: np.stack([rows[place][at] for place in range(batch.rows)])
            for at, name in enumerate(ANSWERS[self._subject.task])
        }

    def encode(self, text: str) -> Any:
        """The tokens of a text as the model's own tokenizer has them."""
        given = text.lower() if self._subject.pooling.lower else text
        return self._subject.tokenizer(given, truncation=True, max_length=self._most)

    def rows(self, encoded: Sequence[Any]) -> dict[int, tuple[Array, ...]]:
        """The outputs of each text, by its place."""
        import torch

        found: dict[int, tuple[Array, ...]] = {}
        with torch.inference_mode():
            for group in self._groups(encoded):
                answers = [each.numpy() for each in self._module(*group.tensors.values())]
                for row, place in enumerate(group.places):
                    found[place] = tuple(each[row] for each in answers)
        return found

    def _groups(self, encoded: Sequence[Any]) -> Iterator[Encoded]:
        """The texts by length, at most 32 together."""
        lengths = [len(each["input_ids"]) for each in encoded]
        for places in _alike(sorted(range(len(encoded)), key=lengths.__getitem__), lengths):
            yield Encoded(
                places, {name: _tensor([encoded[at] for at in places], name) for name in self._feeds}
            )


class Entities(Original):
    """Answers entities, as rows that are filled up with -1, and 0 for scores, to the most a text can have."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._tags = tags_of(subject.classes)[0]
        if not getattr(subject.tokenizer, "is_fast", False):
            msg = f"{type(subject.tokenizer).__name__} does not tell where its tokens stand in the text"
            raise Unsupported(msg, code="tokenizer-absent", hint="use a fast tokenizer")

    def __call__(self, batch: Batch) -> Outputs:
        """`label`, `start`, `end` and `score`, `[rows, most tokens of a text]`."""
        texts = [str(text) for text in batch.array(TEXT)]
        encoded = [self.encode(text) for text in texts]
        words = entities.words([each.encodings[0] for each in encoded], texts)
        tokens = {place: (labels, scores) for place, (labels, scores) in self.rows(encoded).items()}
        found = entities.of_batch(self._tags, Batch(batch.rows, {**words, TEXT: batch[TEXT]}), tokens)
        return {name: self._filled(found[name], 0 if name == "score" else -1) for name in _NUMBERS}

    def _filled(self, rows: Ragged, fill: int) -> Array:
        filled = np.full((len(rows), self._most), fill, rows.values.dtype)
        filled[np.arange(self._most) < np.diff(rows.offsets)[:, None]] = rows.values
        return filled


_NUMBERS = ("label", "start", "end", "score")


def _alike(order: list[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    for _, alike in groupby(order, lengths.__getitem__):
        places = list(alike)
        yield from (places[start : start + _ROWS] for start in range(0, len(places), _ROWS))


def _tensor(rows: Sequence[Any], name: str) -> Any:
    import torch

    if name == "attention_mask":
        return torch.ones((len(rows), len(rows[0]["input_ids"])), dtype=torch.int64)
    return torch.tensor([row[name] for row in rows], dtype=torch.int64)
