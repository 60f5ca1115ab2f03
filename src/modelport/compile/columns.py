"""One raw column, from a table or a file, into the array that stands for it in a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

_TRUTH = {"true": True, "false": False}


def objects(values: Sequence[Any]) -> Array:
    """`values` as a one-dimensional object array, whatever they are."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def column(name: str, values: Sequence[Any]) -> Array:
    """The array of one column: float64, int64 or bool numbers, or an object array of `str` and None.

    Missing cells are NaN among numbers (which makes the column float64) and None among texts.
    Raises `Unsupported` for a column that mixes texts with numbers, or holds other things.
    """
    present = [value for value in values if not is_missing(value)]
    if (
        len(present) == len(values)
        and present
        and all(isinstance(value, bool | np.bool_) for value in present)
    ):
        return np.asarray(values, np.bool_)
    if all(isinstance(value, str) for value in present) and present:
        return objects([None if is_missing(value) else str(value) for value in values])
    if all(isinstance(value, int | float | np.number | bool | np.bool_) for value in present):
        return _numbers(values, whole=len(present) == len(values))
    kinds = sorted({type(value).__name__ for value in present})
    msg = f"column {name!r} holds {', '.join(kinds)}"
    raise Unsupported(msg, code="unsupported-column", hint="make it all numbers, all texts or all booleans")


def parsed(name: str, cells: Sequence[str]) -> Array:
    """The array of one column of text cells: numbers where all cells that are not empty parse as numbers."""
    for parse in (int, float, _truth):
        values = _parse_all(cells, parse)
        if values is not None:
            return column(name, values)
    return objects([cell or None for cell in cells])


def _numbers(values: Sequence[Any], *, whole: bool) -> Array:
    if whole and all(isinstance(value, int | np.integer) for value in values):
        return np.asarray(values, np.int64)
    return np.asarray([math.nan if is_missing(value) else float(value) for value in values], np.float64)


def _parse_all(cells: Sequence[str], parse: Callable[[str], Any]) -> list[Any] | None:
    try:
        return [parse(_plain(cell)) if cell else None for cell in cells]
    except ValueError:
        return None


def _plain(cell: str) -> str:
    # Python reads 1_000 as a number; people who write it in a table mean a word.
    if "_" in cell:
        raise ValueError(cell)
    return cell


def _truth(cell: str) -> bool:
    try:
        return _TRUTH[cell.lower()]
    except KeyError:
        raise ValueError(cell) from None
