"""Samples of tensors: arrays by name with rows first, or rows whose cells are arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch

_KINDS = "biuf"


def is_tensors(data: Mapping[Any, Any]) -> bool:
    """Whether a dict holds tensors rather than the columns of a table."""
    return any(np.ndim(values) > 1 if _is_array(values) else _nested(values) for values in data.values())


def are_rows(rows: Sequence[Any]) -> bool:
    """Whether every row is a dict with an array, or a list, in one of its cells."""
    first = rows[0] if rows else None
    return (
        isinstance(first, Mapping)
        and any(np.ndim(cell) > 0 if _is_array(cell) else isinstance(cell, list) for cell in first.values())
        and all(isinstance(row, Mapping) and row.keys() == first.keys() for row in rows)
    )


def of_arrays(data: Mapping[Any, Any]) -> tuple[Batch, ...]:
    """The one batch of a dict of arrays. Raises `Unsupported`."""
    arrays = {str(name): _array(str(name), values) for name, values in data.items()}
    rows = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(rows) != 1:
        msg = "the arrays of the sample differ in their number of rows"
        raise Unsupported(msg, code="sample-mismatch", hint="rows are the first dimension of every array")
    return (Batch(rows.pop(), arrays),)


def of_rows(rows: Sequence[Mapping[Any, Any]]) -> tuple[Batch, ...]:
    """Batches of rows of the same sizes, the one with most rows first. Raises `Unsupported`."""
    groups: dict[tuple[tuple[int, ...], ...], list[dict[str, Array]]] = {}
    for row in rows:
        cells = {str(name): _array(str(name), cell) for name, cell in row.items()}
        groups.setdefault(tuple(cell.shape for cell in cells.values()), []).append(cells)
    largest_first = sorted(groups.values(), key=len, reverse=True)
    return tuple(
        Batch(len(group), {name: np.stack([cells[name] for cells in group]) for name in group[0]})
        for group in largest_first
    )


def _is_array(values: Any) -> bool:
    return hasattr(values, "ndim") and hasattr(values, "dtype")


def _nested(values: Any) -> bool:
    """Whether it is a list of lists."""
    return isinstance(values, list) and bool(values) and isinstance(values[0], list)


def _array(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        msg = f"{name!r} holds lists of different lengths, or something that is no array"
        hint = "give rows of different sizes as a list of dicts of arrays"
        raise Unsupported(msg, code="sample-mismatch", hint=hint) from error
    if array.dtype.kind not in _KINDS:
        msg = f"{name!r} holds {array.dtype}, a tensor holds numbers"
        raise Unsupported(msg, code="sample-mismatch")
    return array
