"""`max_tokens`: model input is cut to so many tokens, and the answer says so."""

from __future__ import annotations

from modelport.core.signature import Signature
from modelport.errors import InvalidInput
from modelport.runtimes.base import Predictor, Reader
from modelport.runtimes.batch import Array, Batch

_NONE: frozenset[int] = frozenset()


class Truncation:
    """Cuts the texts of one slot. Models without tokens pass as they are, unless a caller asks for a cut.

    Args:
        most: tokens that the model's owner allows, None for all.
    """

    __slots__ = ("_input", "_most", "_shorten")

    def __init__(self, predictor: Predictor, signature: Signature, most: int | None) -> None:
        reader = predictor if signature.item == "text" and isinstance(predictor, Reader) else None
        self._shorten = reader.shorten if reader else None
        self._most = most if reader else None
        self._input = signature.inputs[0].name

    def apply(self, batch: Batch, asked: int | None = None) -> tuple[Batch, frozenset[int]]:
        """The batch with at most `asked` tokens per row, else what the owner allows, and which rows were cut.

        Raises `InvalidInput` when tokens are asked for and the model has none.
        """
        most = self._most if asked is None else asked
        if most is None:
            return batch, _NONE
        if self._shorten is None:
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
