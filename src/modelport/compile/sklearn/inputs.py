"""The input side of the signature: what the sample shows, and what the model itself accepts when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelport.compile.sample import VECTOR, Sample
from modelport.core.signature import DType, Field
from modelport.runtimes.batch import Array, Batch

_MOST_CATEGORIES = 1000
"""Text columns with more distinct values than this are free text: listing them would say nothing."""

Ask = Callable[[Batch], Any]


@dataclass(frozen=True, slots=True)
class Traits:
    """What the model said about one input when it was asked with an absent and with an unseen value."""

    missing: bool
    closed: bool = False


def traits(sample: Sample, ask: Ask) -> dict[str, Traits]:
    """Ask the model, column by column, about absent and unseen values.

    `ask` runs the model on a batch; it refuses by raising `ValueError` or `TypeError`, as scikit-learn does.
    """
    row = _one_row(sample.batch)
    if sample.item == "vector":
        width = row.array(VECTOR).shape[1]
        return {VECTOR: Traits(all(_accepts(ask, _with_gap(row, place)) for place in range(width)))}
    return {name: _column_traits(row, name, sample, ask) for name in sample.columns}


def _column_traits(row: Batch, name: str, sample: Sample, ask: Ask) -> Traits:
    values = sample.batch.array(name)
    absent: Any = np.asarray([None], object) if values.dtype == object else np.asarray([np.nan])
    missing = _accepts(ask, _with(row, name, absent))
    return Traits(missing, closed=not _accepts(ask, _with(row, name, _unseen(values))))


def _unseen(values: Array) -> Array:
    if values.dtype == object:
        longest = max((value for value in values if value is not None), key=len, default="")
        return np.asarray([longest + "?"], object)
    if values.dtype == np.bool_:
        return values[:1]
    return np.asarray([np.nanmax(values) + 1], values.dtype)


def _accepts(ask: Ask, row: Batch) -> bool:
    try:
        ask(row)
    except (ValueError, TypeError):
        return False
    return True


def _one_row(batch: Batch) -> Batch:
    """A complete row: every column by its first value that is there."""
    return Batch(1, {name: _first_present(batch.array(name)) for name in batch.tensors})


def _first_present(values: Array) -> Array:
    there: Array
    if values.dtype == object:
        there = np.asarray([value is not None for value in values])
    elif values.dtype.kind == "f":
        there = np.logical_not(np.isnan(values).reshape(len(values), -1).any(axis=1))
    else:
        return values[:1]
    place = int(np.argmax(there))
    return values[place : place + 1]


def _with(row: Batch, name: str, values: Array) -> Batch:
    return Batch(row.rows, {**row.tensors, name: values})


def _with_gap(row: Batch, place: int) -> Batch:
    values = row.array(VECTOR).copy()
    values[:, place] = np.nan
    return _with(row, VECTOR, values)


def fields(sample: Sample, asked: Mapping[str, Traits], floating: DType) -> tuple[Field, ...]:
    """The signature's inputs, floating numbers in dtype `floating` (FP32 or FP64)."""
    if sample.item == "vector":
        values = sample.batch.array(VECTOR)
        low, high = _range(values)
        shape = (-1, values.shape[1])
        field = Field(VECTOR, floating, shape, sample.columns, asked[VECTOR].missing, low, high)
        return (field,)
    return tuple(_field(name, sample, asked[name], floating) for name in sample.columns)


def _field(name: str, sample: Sample, asked: Traits, floating: DType) -> Field:
    values = sample.batch.array(name)
    if values.dtype == object:
        seen = sample.categories.get(name) or sorted({value for value in values if value is not None})
        listed = tuple(seen) if asked.closed or len(seen) <= _MOST_CATEGORIES else ()
        return Field(name, "BYTES", (-1,), missing=asked.missing, categories=listed, closed=asked.closed)
    low, high = _range(values)
    known = tuple(np.unique(values).tolist()) if asked.closed else ()
    return Field(
        name, _dtype(values, asked, floating), (-1,), (), asked.missing, low, high, known, closed=asked.closed
    )


def _dtype(values: Array, asked: Traits, floating: DType) -> DType:
    # Whole numbers and truth values have no word for "absent"; floating numbers do.
    if asked.missing or values.dtype.kind == "f":
        return floating
    return "BOOL" if values.dtype == np.bool_ else "INT64"


def _range(values: Array) -> tuple[float | None, float | None]:
    present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    if not present.size or values.dtype == np.bool_:
        return None, None
    return float(present.min()), float(present.max())
