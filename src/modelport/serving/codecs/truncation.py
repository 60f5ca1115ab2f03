"""`max_tokens`: model input is cut to so many tokens, and the answer says so."""

from __future__ import annotations

from modelport.core.signature import Signature
from modelport.errors import InvalidInput
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.text.predictor import INPUT, TextPredictor

_NONE: frozenset[int] = frozenset()


class Truncation:
    """Cuts the texts of one slot. Models without tokens pass as they are, unless a caller asks for a cut.

    Args:
        most: tokens that the model's owner allows, None for all.
    """

    __slots__ = ("_most", "_shorten")

    def __init__(self, predictor: Predictor, signature: Signature, most: int | None) -> None:
        readable = isinstance(predictor, TextPredictor) and signature.item == "text"
        self._shorten = predictor.shorten if readable and isinstance(predictor, TextPredictor) else None
        self._most = most if readable else None

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
            for row, text in enumerate(batch.array(INPUT))
            if (short := self._shorten(text, most)) is not None
        }
        return (_replaced(batch, cut), frozenset(cut)) if cut else (batch, _NONE)


def _replaced(batch: Batch, cut: dict[int, str]) -> Batch:
    texts: Array = batch.array(INPUT).copy()
    for row, text in cut.items():
        texts[row] = text
    return Batch(batch.rows, {INPUT: texts})
