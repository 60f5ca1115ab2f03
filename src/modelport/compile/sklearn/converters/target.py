"""A regressor whose target was transformed: predict, then transform back."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import use
from modelport.errors import Unsupported

_ONE_STEP = {"exp": "Exp", "sqrt": "Sqrt", "log": "Log", "negative": "Neg", "reciprocal": "Reciprocal"}
_SCALERS = {"StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"}


def register() -> None:
    from sklearn.compose import TransformedTargetRegressor

    use(TransformedTargetRegressor, shapes.regressor, _convert)


def _convert(emit: Emitter) -> None:
    emit.answer(_inverse(emit, emit.inner(emit.model.regressor_), emit.model.transformer_))


def _inverse(emit: Emitter, value: str, transformer: Any) -> str:
    kind = type(transformer).__name__
    if kind in _SCALERS:
        return _unscaled(emit, value, transformer)
    if kind == "FunctionTransformer":
        return _function(emit, value, transformer.inverse_func)
    msg = f"TransformedTargetRegressor transforms its target back with {kind}, which is not compiled"
    raise Unsupported(msg, hint=f"use one of {', '.join(sorted(_SCALERS))}, or func=np.log1p with np.expm1")


def _unscaled(emit: Emitter, value: str, scaler: Any) -> str:
    """Every scaler's way back is a straight line: two points of it are enough."""
    zero, one = scaler.inverse_transform([[0.0] * scaler.n_features_in_, [1.0] * scaler.n_features_in_])
    scaled = emit.node("Mul", value, emit.constant((one - zero).astype(emit.dtype).reshape(1, -1)))
    return emit.node("Add", scaled, emit.constant(zero.astype(emit.dtype).reshape(1, -1)))


def _function(emit: Emitter, value: str, function: Any) -> str:
    name = getattr(function, "__name__", "identity" if function is None else type(function).__name__)
    if function is None:
        return value
    if isinstance(function, np.ufunc) and name in _ONE_STEP:
        return emit.node(_ONE_STEP[name], value)
    if function is np.expm1:
        return emit.node("Sub", emit.node("Exp", value), emit.number(1.0))
    if function is np.square:
        return emit.node("Mul", value, value)
    msg = f"TransformedTargetRegressor transforms its target back with the Python function {name!r}"
    raise Unsupported(msg, hint="use a NumPy function: np.exp, np.expm1, np.sqrt, np.square or np.log")
