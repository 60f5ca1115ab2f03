"""Numbers into bins, by as many comparisons as there are edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import use


def register() -> None:
    from sklearn.preprocessing import KBinsDiscretizer

    use(KBinsDiscretizer, shapes.numbers(_width), _convert)


def _width(model: Any) -> int:
    return len(model.n_bins_) if model.encode == "ordinal" else int(sum(model.n_bins_))


def _convert(emit: Emitter) -> None:
    source = emit.matrix()
    columns = [_column(emit, emit.pick(source, place), place) for place in range(len(emit.model.n_bins_))]
    emit.answer(columns[0] if len(columns) == 1 else emit.node("Concat", *columns, axis=1))


def _column(emit: Emitter, column: str, place: int) -> str:
    """The number of inner edges at or below the value; or that number as a row of zeros and a one."""
    edges = np.asarray(emit.model.bin_edges_[place][1:-1], emit.dtype).reshape(1, -1)
    passed = emit.cast(emit.node("GreaterOrEqual", column, emit.constant(edges)), np.int64)
    bin_ = emit.node("ReduceSum", passed, emit.constant(np.asarray([1], np.int64)), keepdims=1)
    if emit.model.encode == "ordinal":
        return emit.cast(bin_, emit.dtype)
    bins = np.arange(emit.model.n_bins_[place], dtype=np.int64).reshape(1, -1)
    return emit.cast(emit.node("Equal", bin_, emit.constant(bins)), emit.dtype)
