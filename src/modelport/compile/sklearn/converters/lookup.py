"""Encoders of categories as tables: one row of numbers per category, and one for all unknown values.

The fitted encoder fills its own tables, so drops, infrequent groups, encoded missing values and target means
come out as it would answer them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.converters.emitter import ML, Emitter

MISSING_TEXT = "\ufdd0"
"""What stands for absent text inside a graph, whose strings cannot be null.

Unicode sets U+FDD0 aside for internal use, so no caller's text is mistaken for it, as "" or "nan" would be.
The `fill_missing` steps of a bundle put it there."""


@dataclass(frozen=True, slots=True)
class Table:
    """One encoded column.

    Attributes:
        categories: the values known, in order; None and NaN both mean missing.
        rows: `[1 + categories, width]`; row 0 is for unknown values.
    """

    categories: tuple[Any, ...]
    rows: npt.NDArray[np.float64]


def tables(encoder: Any) -> list[Table]:
    """One table per column of a fitted OneHotEncoder, OrdinalEncoder or TargetEncoder."""
    categories = [tuple(values.tolist()) for values in encoder.categories_]
    widths = _widths(encoder)
    starts = np.cumsum([0, *widths])
    return [
        Table(values, _rows(encoder, categories, place)[:, starts[place] : starts[place + 1]])
        for place, values in enumerate(categories)
    ]


def _widths(encoder: Any) -> list[int]:
    one_hot = getattr(encoder, "_n_features_outs", None)
    if one_hot is not None:
        return [int(width) for width in one_hot]
    return [_width_each(encoder)] * len(encoder.categories_)


def _width_each(encoder: Any) -> int:
    """One code per column, or one target mean per class."""
    several = getattr(encoder, "target_type_", "") == "multiclass"
    return len(encoder.classes_) if several else 1


def _rows(encoder: Any, categories: Sequence[tuple[Any, ...]], place: int) -> npt.NDArray[np.float64]:
    known = categories[place]
    base = [values[0] for values in categories]
    grid = [[*base[:place], value, *base[place + 1 :]] for value in known]
    answers = _dense(encoder, grid)
    return np.vstack([_unknown(encoder, base, place, known, answers.shape[1]), answers])


def _unknown(encoder: Any, base: list[Any], place: int, known: Sequence[Any], width: int) -> Any:
    if getattr(encoder, "handle_unknown", "") == "error":
        return np.full((1, width), np.nan)  # the signature closes such a column: no value ever comes here
    return _dense(encoder, [[*base[:place], _stranger(known), *base[place + 1 :]]])


def _stranger(known: Sequence[Any]) -> Any:
    """A value that is in no category."""
    texts = [value for value in known if isinstance(value, str)]
    if texts:
        return max(texts, key=len) + "?"
    numbers = [value for value in known if not is_missing(value)]
    return max(numbers, default=0) + 1


def _dense(encoder: Any, rows: list[list[Any]]) -> npt.NDArray[np.float64]:
    """The encoder's answer to a few rows, whatever names and output container it was fitted with."""
    import warnings

    texts = any(isinstance(value, str) for row in rows for value in row)
    table = np.asarray(rows, object if texts or any(value is None for row in rows for value in row) else None)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it was fitted with names, or says it met an unknown value: on purpose
        answer = type(encoder).transform(encoder, table)
    dense = answer.toarray() if hasattr(answer, "toarray") else answer
    return np.asarray(dense, np.float64)


def is_missing(value: Any) -> bool:
    """Whether a category stands for absence."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def looked_up(emit: Emitter, place: int, table: Table) -> str:
    """Column `place` of the operator's input, encoded: `[n, width]` in the emitter's dtype."""
    column, text = emit.column(place)
    code = _text_code(emit, column, table) if text else _number_code(emit, column, table)
    return emit.node("Gather", emit.constant(table.rows.astype(emit.dtype)), code, axis=0)


def _text_code(emit: Emitter, column: str, table: Table) -> str:
    keys = [MISSING_TEXT if is_missing(value) else str(value) for value in table.categories]
    flat = emit.node("Reshape", column, emit.constant(np.asarray([-1], np.int64)))
    return emit.node(
        "LabelEncoder",
        flat,
        domain=ML,
        keys_strings=keys,
        values_int64s=list(range(1, len(keys) + 1)),
        default_int64=0,
    )


def _number_code(emit: Emitter, column: str, table: Table) -> str:
    """1 + the position of the equal category, 0 where none is equal."""
    numbers = np.asarray([np.nan if is_missing(value) else value for value in table.categories], emit.dtype)
    hits = emit.node("Equal", column, emit.constant(numbers.reshape(1, -1)))
    if np.isnan(numbers).any():
        absent = emit.node("And", emit.node("IsNaN", column), emit.constant(np.isnan(numbers).reshape(1, -1)))
        hits = emit.node("Or", hits, absent)
    positions = emit.constant(np.arange(1, len(numbers) + 1, dtype=np.int64).reshape(1, -1))
    masked = emit.node("Mul", emit.cast(hits, np.int64), positions)
    return emit.node("ReduceMax", masked, emit.constant(np.asarray([1], np.int64)), keepdims=0)
