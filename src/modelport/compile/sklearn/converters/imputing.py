"""Missing values: filled, or pointed out."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.lookup import MISSING_TEXT, is_missing
from modelport.compile.sklearn.converters.registry import use
from modelport.errors import Unsupported


def register() -> None:
    from sklearn.impute import MissingIndicator, SimpleImputer

    use(SimpleImputer, _declare, _impute)
    use(MissingIndicator, shapes.numbers(lambda model: len(model.features_)), _indicate)


def _declare(operator: Any) -> None:
    from skl2onnx.common.data_types import StringTensorType

    kept = sum(not is_missing(value) for value in operator.raw_operator.statistics_)
    if isinstance(operator.inputs[0].type, StringTensorType):
        operator.outputs[0].type = StringTensorType([None, kept])
        return
    indicator = operator.raw_operator.indicator_
    operator.outputs[0].type = shapes.floating(
        operator, kept + (len(indicator.features_) if indicator else 0)
    )


def _impute(emit: Emitter) -> None:
    from skl2onnx.common.data_types import StringTensorType

    if isinstance(emit.operator.inputs[0].type, StringTensorType):
        _impute_texts(emit)
    else:
        _impute_numbers(emit)


def _impute_texts(emit: Emitter) -> None:
    if not is_missing(emit.model.missing_values) or emit.model.add_indicator:
        msg = "SimpleImputer on texts is compiled for missing_values=None or NaN, without add_indicator"
        raise Unsupported(msg, hint="mark absent text as None, and use MissingIndicator on another copy")
    columns = [variable.full_name for variable in emit.operator.inputs]
    source = columns[0] if len(columns) == 1 else emit.node("Concat", *columns, axis=1)
    absent = emit.node("Equal", source, emit.constant(np.asarray([MISSING_TEXT], object)))
    fill = emit.constant(np.asarray(emit.model.statistics_, object).reshape(1, -1))
    emit.node("Where", absent, fill, source, output=emit.operator.outputs[0].full_name)


def _impute_numbers(emit: Emitter) -> None:
    source = emit.matrix()
    fill = np.asarray(emit.model.statistics_, np.float64)
    # A column with nothing to learn from has no statistic; scikit-learn drops it.
    kept = np.flatnonzero(~np.isnan(fill))
    chosen = source
    if len(kept) < len(fill):
        chosen = emit.node("Gather", source, emit.constant(kept.astype(np.int64)), axis=1)
    absent = _absent(emit, chosen, emit.model.missing_values)
    filled = emit.node("Where", absent, emit.constant(fill[kept].astype(emit.dtype).reshape(1, -1)), chosen)
    if emit.model.indicator_ is not None:
        filled = emit.node("Concat", filled, _pointed_out(emit, source, emit.model.indicator_), axis=1)
    emit.answer(filled)


def _indicate(emit: Emitter) -> None:
    emit.answer(_pointed_out(emit, emit.matrix(), emit.model))


def _pointed_out(emit: Emitter, source: str, indicator: Any) -> str:
    watched = emit.node("Gather", source, emit.constant(indicator.features_.astype(np.int64)), axis=1)
    return emit.cast(_absent(emit, watched, indicator.missing_values), emit.dtype)


def _absent(emit: Emitter, source: str, marker: Any) -> str:
    if is_missing(marker):
        return emit.node("IsNaN", source)
    return emit.node("Equal", source, emit.number(float(marker)))
