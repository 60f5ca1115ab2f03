"""Linear classifiers that give decision values: one product, one sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use


def register() -> None:
    from sklearn.linear_model import (
        PassiveAggressiveClassifier,
        Perceptron,
        RidgeClassifier,
        RidgeClassifierCV,
    )
    from sklearn.svm import LinearSVC

    for kind in (LinearSVC, RidgeClassifier, RidgeClassifierCV, Perceptron, PassiveAggressiveClassifier):
        use(kind, _declare, _classifier, CLASSIFIER)


def _declare(operator: Any) -> None:
    shapes.classifier(operator)
    operator.outputs[1].type = shapes.floating(operator, len(np.atleast_2d(operator.raw_operator.coef_)))


def _classifier(emit: Emitter) -> None:
    weights = np.atleast_2d(emit.model.coef_).astype(emit.dtype)
    bias = np.broadcast_to(np.asarray(emit.model.intercept_, emit.dtype), (len(weights),))
    product = emit.node("MatMul", emit.matrix(), emit.constant(weights.T))
    scores = emit.node("Add", product, emit.constant(bias.reshape(1, -1)))
    emit.classes(_index(emit, scores, len(weights)))
    emit.answer(scores, 1)


def _index(emit: Emitter, scores: str, width: int) -> str:
    if width > 1:
        return emit.node("ArgMax", scores, axis=1, keepdims=0)
    positive = emit.cast(emit.node("Greater", scores, emit.number(0.0)), np.int64)
    return emit.node("Reshape", positive, emit.constant(np.asarray([-1], np.int64)))
