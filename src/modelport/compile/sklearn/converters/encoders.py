"""Encoders of categorical columns, each a table looked up (see `lookup`)."""

from __future__ import annotations

from typing import Any

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.lookup import looked_up, tables
from modelport.compile.sklearn.converters.registry import use


def register() -> None:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    for kind in (OneHotEncoder, OrdinalEncoder, TargetEncoder):
        use(kind, shapes.numbers(_width), _encode)


def _width(encoder: Any) -> int:
    return sum(table.rows.shape[1] for table in tables(encoder))


def _encode(emit: Emitter) -> None:
    columns = [looked_up(emit, place, table) for place, table in enumerate(tables(emit.model))]
    emit.answer(columns[0] if len(columns) == 1 else emit.node("Concat", *columns, axis=1))
