"""`max_tokens`: model input is cut to so many tokens, and the answer says so."""

from __future__ import annotations

from collections.abc import Callable

from modelport.core.signature import Signature
from modelport.errors import InvalidInput
from modelport.runtimes.base import Predictor, Reader
from modelport.runtimes.batch import Array, Batch

_NONE: frozenset[int] = frozenset()


class Truncation:
    """Cuts the texts of one slot. Models without tokens pass as they are, unless a caller asks for a cut.

    Args:
        predictor: the loaded model, which knows where its tokens end; None for one that is yet to be loaded.
        most: tokens that the model's owner allows, None for all.
    """

    __slots__ = ("_absent", "_input", "_most", "_reads", "_shorten")

    def __init__(self, predictor: Predictor | None, signature: Signature, most: int | None) -> None:
        self._reads = signature.item == "text"
        self._most = most
        self._input = signature.inputs[0].name
        self._shorten: Callable[[str, int], str | None] | None = None
        self._absent = False
        self.unloaded() if predictor is None else self.loaded(predictor)

    def loaded(self, predictor: object) -> None:
        """The model is there, and says from now on where to cut, if it is a `Reader`."""
        self._absent = False
        self._shorten = predictor.shorten if self._reads and isinstance(predictor, Reader) else None

    def unloaded(self) -> None:
        """The model has gone; a cut has to wait until it is there again."""
        self._absent = self._reads
        self._shorten = None

    def waits(self, asked: int | None = None) -> bool:
        """Whether a cut is due and cannot be made, because the model is not there."""
        return self._absent and (asked is not None or self._most is not None)

    def apply(self, batch: Batch, asked: int | None = None) -> tuple[Batch, frozenset[int]]:
        """The batch with at most `asked` tokens per row, else what the owner allows, and which rows were cut.

        Raises `InvalidInput` when tokens are asked for and the model has none.
        """
        most = self._most if asked is None else asked
        if most is None:
            return batch, _NONE
        if self._shorten is None:
            if asked is None:
                return batch, _NONE
            msg = "this model reads no tokens, so max_tokens says nothing to it"
            raise InvalidInput(msg, code="no-tokens", pointer="/parameters/max_tokens", hint="leave it out")
        cut = {
            row: short
            for row, text in enumerate(batch.array(self._input))
            if (short := self._shorten(text, most)) is not None
        }
        return (self._replaced(batch, cut), frozenset(cut)) if cut else (batch, _NONE)

    def _replaced(self, batch: Batch, cut: dict[int, str]) -> Batch:
        texts: Array = batch.array(self._input).copy()
        for row, text in cut.items():
            texts[row] = text
        return Batch(batch.rows, {self._input: texts})
