"""The columns that boosted trees compare."""

from __future__ import annotations

import numpy as np

from modelport.compile.boosting.boosted import Boosted, Crossed
from modelport.compile.boosting.lightgbm_text import ZERO
from modelport.compile.boosting.tabulated import Sets
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.lookup import looked_up
from modelport.errors import Unsupported


class Features:
    """Given columns, crossed ones and sets of categories, in the emitter's dtype."""

    def __init__(self, emit: Emitter, boosted: Boosted) -> None:
        self._emit = emit
        self._boosted = boosted
        given = self._prepared(_given(emit, boosted))
        self.matrix = self._joined([given, *(self._crossed(given, each) for each in boosted.crossed)])

    def filled(self) -> str:
        """The columns with zeros for absent numbers."""
        absent = self._emit.node("IsNaN", self.matrix)
        return self._emit.node("Where", absent, self._emit.number(0.0), self.matrix)

    def with_sets(self, sets: tuple[Sets, ...]) -> str:
        """The columns, and behind them one for every set of categories."""
        return self._joined([self.matrix, *map(self._looked_up, sets)])

    def _prepared(self, source: str) -> str:
        emit, boosted = self._emit, self._boosted
        if boosted.single and emit.dtype == np.float64:
            source = emit.cast(emit.cast(source, np.float32), np.float64)
        if not np.isnan(boosted.missing):
            stand_in = emit.node("Equal", source, emit.number(float(np.float32(boosted.missing))))
            source = emit.node("Where", stand_in, emit.number(np.nan), source)
        if boosted.zero_missing:
            near = emit.node("LessOrEqual", emit.node("Abs", source), emit.number(ZERO))
            source = self._where(boosted.zero_missing, near, emit.number(np.nan), source)
        if boosted.whole:
            known = emit.node("Not", emit.node("IsNaN", source))
            whole = emit.node("Floor", source) if boosted.floored else source
            cut = emit.cast(emit.cast(whole, np.int64), emit.dtype)
            source = self._where(boosted.whole, known, cut, source)
        return source

    def _where(self, features: frozenset[int], condition: str, new: str, old: str) -> str:
        """`new` where the condition holds in one of the features."""
        mask = np.zeros((1, self._boosted.width), np.bool_)
        mask[0, sorted(features)] = True
        if not mask.all():
            condition = self._emit.node("And", condition, self._emit.constant(mask))
        return self._emit.node("Where", condition, new, old)

    def _crossed(self, given: str, crossed: Crossed) -> str:
        emit = self._emit
        index = ""
        parts = [
            self._code(given, place, size)
            for place, size in zip(crossed.features, crossed.sizes, strict=False)
        ]
        parts += [self._bit(given, place, threshold) for place, threshold in crossed.thresholds]
        for part, size in zip(parts, crossed.sizes, strict=True):
            scaled = emit.node("Mul", index, emit.constant(np.asarray([size], np.int64))) if index else ""
            index = emit.node("Add", scaled, part) if scaled else part
        return emit.node("Gather", emit.constant(crossed.values.astype(emit.dtype)), index, axis=0)

    def _code(self, given: str, place: int, size: int) -> str:
        """The code in a column as a row number, INT64 `[n]`; the last for one that is unknown."""
        return self._row(self._emit.pick(given, place), size - 1, size - 1)

    def _bit(self, given: str, place: int, threshold: float) -> str:
        above = self._emit.node("Greater", self._emit.pick(given, place), self._emit.number(threshold))
        return self._flat(self._emit.cast(above, np.int64))

    def _looked_up(self, sets: Sets) -> str:
        last = len(sets.columns) - 1
        row = self._row(self._emit.pick(self.matrix, sets.feature), last - 1, last)
        return self._emit.node(
            "Gather", self._emit.constant(sets.columns.astype(self._emit.dtype)), row, axis=0
        )

    def _row(self, column: str, other: int, absent: int) -> str:
        """Codes `[n, 1]` as row numbers `[n]`: `other` for one outside, `absent` for NaN."""
        emit = self._emit
        outside = emit.node(
            "Or",
            emit.node("Less", column, emit.number(0.0)),
            emit.node("Greater", column, emit.number(float(other - 1))),
        )
        inside = emit.node("Where", outside, emit.number(float(other)), column)
        row = emit.node("Where", emit.node("IsNaN", column), emit.number(float(absent)), inside)
        return self._flat(emit.cast(row, np.int64))

    def _flat(self, column: str) -> str:
        return self._emit.node("Reshape", column, self._emit.constant(np.asarray([-1], np.int64)))

    def _joined(self, columns: list[str]) -> str:
        return columns[0] if len(columns) == 1 else self._emit.node("Concat", *columns, axis=1)


def _given(emit: Emitter, boosted: Boosted) -> str:
    """The operator's input as one matrix; named categories as their codes."""
    if not boosted.tables:
        _refuse_texts(emit)
        return emit.matrix()
    columns = [
        looked_up(emit, place, boosted.tables[place]) if place in boosted.tables else _number(emit, place)
        for place in range(boosted.width)
    ]
    return emit.node("Concat", *columns, axis=1)


def _number(emit: Emitter, place: int) -> str:
    column, text = emit.column(place)
    if text:
        raise _texts(place)
    return column


def _refuse_texts(emit: Emitter) -> None:
    from skl2onnx.common.data_types import StringTensorType

    for place, variable in enumerate(emit.operator.inputs):
        if isinstance(variable.type, StringTensorType):
            raise _texts(place)


def _texts(place: int) -> Unsupported:
    msg = f"column {place} holds texts, and the model does not say which number stands for which"
    return Unsupported(msg, hint="train it on a DataFrame whose text columns have the dtype category")
