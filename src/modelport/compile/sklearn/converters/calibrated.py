"""Calibrated classifiers: each fold's scores through its calibrators, shared out, averaged over folds."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use
from modelport.errors import Unsupported

_DTYPE = np.float64
"""What is computed in, whatever the scores come in: classes share out sums of numbers as small as 1e-300."""


def register() -> None:
    from sklearn.calibration import CalibratedClassifierCV

    use(CalibratedClassifierCV, shapes.classifier, _convert, CLASSIFIER)


def _convert(emit: Emitter) -> None:
    folds = [_fold(emit, fold) for fold in emit.model.calibrated_classifiers_]
    total = folds[0]
    for fold in folds[1:]:
        total = emit.node("Add", total, fold)
    probabilities = emit.node("Div", total, _number(emit, len(folds)))
    emit.classes(emit.node("ArgMax", probabilities, axis=1, keepdims=0))
    emit.answer(probabilities, 1)


def _fold(emit: Emitter, fold: Any) -> str:
    classes = len(emit.model.classes_)
    scores = emit.cast(emit.inner_classifier(fold.estimator), _DTYPE)
    if len(fold.calibrators) != (1 if classes == 2 else classes):
        msg = "a fold of CalibratedClassifierCV did not see every class, or is calibrated as a whole"
        raise Unsupported(msg, hint="use method='sigmoid' or 'isotonic', and folds that hold every class")
    places = [1] if classes == 2 else range(classes)
    columns = [
        _calibrated(emit, emit.pick(scores, place), calibrator)
        for place, calibrator in zip(places, fold.calibrators, strict=True)
    ]
    return _pair(emit, columns[0]) if classes == 2 else _shared_out(emit, columns)


def _pair(emit: Emitter, likely: str) -> str:
    return emit.node("Concat", emit.node("Sub", _number(emit, 1.0), likely), likely, axis=1)


def _shared_out(emit: Emitter, columns: list[str]) -> str:
    """Each class's share of the sum; equal shares where all are zero."""
    joined = emit.node("Concat", *columns, axis=1)
    total = emit.node("ReduceSum", joined, emit.constant(np.asarray([1], np.int64)), keepdims=1)
    none = emit.node("Equal", total, _number(emit, 0.0))
    share = emit.node("Div", joined, emit.node("Where", none, _number(emit, 1.0), total))
    return emit.node("Where", none, _number(emit, 1.0 / len(columns)), share)


def _calibrated(emit: Emitter, score: str, calibrator: Any) -> str:
    kind = type(calibrator).__name__
    if kind == "_SigmoidCalibration":
        line = emit.node("Mul", score, _number(emit, -calibrator.a_))
        return _sigmoid(emit, emit.node("Sub", line, _number(emit, calibrator.b_)))
    if kind == "IsotonicRegression":
        return _interpolated(emit, score, calibrator)
    msg = f"CalibratedClassifierCV calibrates by {kind}, which is not compiled"
    raise Unsupported(msg, hint="use method='sigmoid' or 'isotonic'")


def _sigmoid(emit: Emitter, score: str) -> str:
    """1 / (1 + exp(-score)), by the exponential that cannot overflow.

    ONNX Runtime's own Sigmoid is 0 below -37, where classes still differ.
    """
    small = emit.node("Exp", emit.node("Neg", emit.node("Abs", score)))
    negative = emit.node("Less", score, _number(emit, 0.0))
    above = emit.node("Where", negative, small, _number(emit, 1.0))
    return emit.node("Div", above, emit.node("Add", small, _number(emit, 1.0)))


def _number(emit: Emitter, value: float) -> str:
    return emit.constant(np.asarray([value], _DTYPE))


def _interpolated(emit: Emitter, score: str, isotonic: Any) -> str:
    """The straight lines between the thresholds: a start, plus each piece's slope times what lies in it.

    Outside the thresholds the ends count, as in scikit-learn with `out_of_bounds="clip"`.
    """
    x, y = np.asarray(isotonic.X_thresholds_, np.float64), np.asarray(isotonic.y_thresholds_, np.float64)
    if len(x) == 1:
        return emit.node("Add", emit.node("Mul", score, _number(emit, 0.0)), _number(emit, y[0]))
    width = np.diff(x).reshape(1, -1)
    past = emit.node("Sub", score, emit.constant(x[:-1].reshape(1, -1)))
    share = emit.node("Div", past, emit.constant(width))
    low, high = (emit.constant(np.asarray(value, _DTYPE)) for value in (0, 1))
    inside = emit.node("Clip", share, low, high)
    risen = emit.node("MatMul", inside, emit.constant(np.diff(y).reshape(-1, 1)))
    return emit.node("Add", risen, _number(emit, y[0]))
