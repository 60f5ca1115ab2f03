"""Many rows answered a few at a time: a sample of a thousand texts in one batch would take gigabytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelport.compile.compiled import Outputs
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Batch, concat, split

PIECE = 128
"""Rows at a time."""


def pieces(rows: Batch, most: int = PIECE) -> list[Batch]:
    """The rows in order, at most `most` in each; one empty batch when there are none."""
    sizes = [min(most, rows.rows - start) for start in range(0, rows.rows, most)]
    return list(split(rows, sizes or [0]))


def in_pieces(original: Callable[[Batch], Outputs], most: int = PIECE) -> Callable[[Batch], Outputs]:
    """The same model, asked for at most `most` rows at a time."""

    def answer(rows: Batch) -> Outputs:
        parts = [original(piece) for piece in pieces(rows, most)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return answer


def answered(predictor: Predictor, rows: Batch, most: int = PIECE) -> Batch:
    """The answers of a predictor to all rows, at most `most` at a time."""
    return concat([predictor.predict(piece) for piece in pieces(rows, most)])


def answers(predictor: Predictor, rows: Batch, most: int = PIECE) -> Outputs:
    """The same as dense arrays. Raises `TypeError` where rows differ in length, as entities do."""
    found = answered(predictor, rows, most)
    return {name: found.array(name) for name in found.tensors}
