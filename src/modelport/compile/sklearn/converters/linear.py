"""Linear classifiers: one product, one sum, and what their loss makes of it.

The label follows from the decision values, as in scikit-learn: probabilities that saturate at 1 would tie.
"""

from __future__ import annotations

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use


def register() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import (
        Perceptron,
        RidgeClassifier,
        RidgeClassifierCV,
        SGDClassifier,
    )
    from sklearn.svm import LinearSVC

    deciding = (LinearSVC, RidgeClassifier, RidgeClassifierCV, Perceptron)
    for kind in (*deciding, SGDClassifier, LinearDiscriminantAnalysis):
        use(kind, shapes.classifier, _classifier, CLASSIFIER)


def _classifier(emit: Emitter) -> None:
    weights = np.atleast_2d(emit.model.coef_).astype(emit.dtype)
    bias = np.broadcast_to(np.asarray(emit.model.intercept_, emit.dtype), (len(weights),))
    product = emit.node("MatMul", emit.matrix(), emit.constant(weights.T))
    scores = emit.node("Add", product, emit.constant(bias.reshape(1, -1)))
    emit.classes(_index(emit, scores, len(weights)))
    probabilistic = hasattr(emit.model, "predict_proba") and not emit.wants("raw_scores")
    emit.answer(_probabilities(emit, scores, len(weights)) if probabilistic else emit.decision(scores), 1)


def _index(emit: Emitter, scores: str, width: int) -> str:
    if width > 1:
        return emit.node("ArgMax", scores, axis=1, keepdims=0)
    positive = emit.cast(emit.node("Greater", scores, emit.number(0.0)), np.int64)
    return emit.node("Reshape", positive, emit.constant(np.asarray([-1], np.int64)))


def _probabilities(emit: Emitter, scores: str, width: int) -> str:
    loss = getattr(emit.model, "loss", "softmax")
    if loss == "softmax" and width > 1:
        return emit.node("Softmax", scores, axis=1)
    likely = _huber(emit, scores) if loss == "modified_huber" else emit.node("Sigmoid", scores)
    if width == 1:
        return emit.node("Concat", emit.node("Sub", emit.number(1.0), likely), likely, axis=1)
    axis = emit.constant(np.asarray([1], np.int64))
    total = emit.node("ReduceSum", likely, axis, keepdims=1)
    # Where every class is out of the question, all are equally likely.
    none = emit.node("Equal", total, emit.number(0.0))
    share = emit.node("Where", none, emit.number(1.0 / width), likely)
    return emit.node("Div", share, emit.node("Where", none, emit.number(1.0), total))


def _huber(emit: Emitter, scores: str) -> str:
    """The modified Huber loss: a straight line between -1 and 1."""
    low, high = (emit.constant(np.asarray(value, emit.dtype)) for value in (-1, 1))
    clipped = emit.node("Clip", scores, low, high)
    return emit.node("Mul", emit.node("Add", clipped, emit.number(1.0)), emit.number(0.5))
