"""A model that is no longer here: its answers were written down, and are looked up row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelport.compile.compiled import Outputs
from modelport.errors import ModelFailed
from modelport.runtimes.batch import Array, Batch


def accepted(original: Callable[[Batch], Outputs], rows: Batch) -> tuple[Array, Outputs]:
    """Which of `rows` a model takes, found by halving, and its answers to those."""
    parts = _halved(original, rows, 0)
    taken = np.zeros(rows.rows, np.bool_)
    for start, count, _ in parts:
        taken[start : start + count] = True
    names = parts[0][2] if parts else {}
    return taken, {name: np.concatenate([answers[name] for _, _, answers in parts]) for name in names}


def _halved(original: Callable[[Batch], Outputs], rows: Batch, start: int) -> list[tuple[int, int, Outputs]]:
    if not rows.rows:
        return []
    try:
        return [(start, rows.rows, original(rows))]
    except Exception:  # noqa: BLE001 (whatever somebody's model raises, it means: not these rows)
        if rows.rows == 1:
            return []
    middle = rows.rows // 2
    return [
        *_halved(original, _cut(rows, 0, middle), start),
        *_halved(original, _cut(rows, middle, rows.rows), start + middle),
    ]


def _cut(batch: Batch, start: int, stop: int) -> Batch:
    return Batch(stop - start, {name: batch.array(name)[start:stop] for name in batch.tensors})


class Recorded:
    """Stands in for the original model on exactly the rows whose answers were recorded."""

    def __init__(self) -> None:
        self._places: dict[Any, tuple[Outputs, int] | None] = {}

    def record(self, rows: Batch, taken: Array, answers: Outputs) -> None:
        """Note the answers to those `rows` that were `taken`; the others count as refused by the model."""
        place = 0
        for key, took in zip(_keys(rows), taken.tolist(), strict=True):
            self._places[key] = (answers, place) if took else None
            place += took

    def __call__(self, batch: Batch) -> Outputs:
        """The recorded answers. Raises `ModelFailed` for a row that was refused, or never asked."""
        found = [self._places.get(key) for key in _keys(batch)]
        if not all(found):
            msg = "the original model refused a row, or was never asked about it"
            raise ModelFailed(msg)
        places = [place for place in found if place is not None]
        names = places[0][0] if places else {}
        return {name: np.stack([answers[name][row] for answers, row in places]) for name in names}


def _keys(batch: Batch) -> list[Any]:
    """One key per row, equal only for rows equal in every bit."""
    columns = [_cells(batch.array(name)) for name in sorted(batch.tensors)]
    return list(zip(*columns, strict=True)) if columns else []


def _cells(values: Array) -> list[Any]:
    if values.dtype.kind == "O":
        return (
            [cell if isinstance(cell, bytes) else repr(cell) for cell in values.tolist()]
            if values.ndim == 1
            else [repr(row) for row in values.tolist()]
        )
    return [(values.dtype.str, row.tobytes()) for row in values]
