"""The right answers as their owner writes them, into what a model's outputs can be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array


def truth_of(values: Any, task: Task, labels: Sequence[Label] | None, rows: int) -> Array:
    """One right answer per row of the sample: label indices `[rows]`, or numbers `[rows]` or `[rows, t]`.

    Labels are matched as they are, and where none matches by how they are written (the 1 of a CSV file is the
    "1" of a model). Raises `Unsupported` (`labels-mismatch`) where they do not fit, naming the first that
    does not, and for tasks whose answers cannot be right or wrong.
    """
    cells = [value.item() if isinstance(value, np.generic) else value for value in _listed(values)]
    if len(cells) != rows:
        msg = f"there are {len(cells)} labels for {rows} rows of the sample"
        raise _unfit(msg)
    if task == "classification":
        return _indices(cells, labels or ())
    if task == "regression":
        return _numbers(cells)
    msg = f"the answers of a {task} model are not right or wrong by one label per row"
    raise _unfit(msg, hint="leave the labels out: then every answer that changes counts as lost")


def _listed(values: Any) -> Sequence[Any]:
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _indices(cells: Sequence[Any], labels: Sequence[Label]) -> Array:
    exact = {label: place for place, label in enumerate(labels)}
    written = {str(label): place for place, label in enumerate(labels)}
    places = [exact.get(cell, written.get(_written(cell))) for cell in cells]
    if None in places:
        wrong = cells[places.index(None)]
        msg = f"{wrong!r} is none of the model's labels"
        raise _unfit(msg, hint=f"they are {', '.join(map(str, labels[:8]))}")
    return np.array(places, np.int64)


def _written(cell: Any) -> str:
    """How a label is written: a whole float as the integer it is."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _numbers(cells: Sequence[Any]) -> Array:
    try:
        values = np.array(cells, np.float64)
    except (TypeError, ValueError):
        msg = "the labels of a regression are not all numbers"
        raise _unfit(msg) from None
    if not np.isfinite(values).all():
        msg = "a label is missing"
        raise _unfit(msg)
    return values


def _unfit(msg: str, hint: str = "") -> Unsupported:
    return Unsupported(msg, code="labels-mismatch", hint=hint)
