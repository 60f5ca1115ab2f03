"""Gradient boosting over scikit-learn's own trees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.ensemble import total
from modelport.compile.sklearn.converters.forests import single
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use
from modelport.compile.sklearn.converters.trees import Tree, of_sklearn
from modelport.errors import Unsupported


def register() -> None:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    use(GradientBoostingClassifier, shapes.classifier, _classifier, CLASSIFIER)
    use(GradientBoostingRegressor, shapes.regressor, _regressor)


def _regressor(emit: Emitter) -> None:
    emit.answer(_raw(emit))


def _classifier(emit: Emitter) -> None:
    # The exponential loss is half the log odds.
    slope = 2.0 if emit.model.loss == "exponential" else 1.0
    decide(emit, _raw(emit), slope=slope, tie_is_first=False)


def _raw(emit: Emitter) -> str:
    grid = emit.model.estimators_
    trees = [
        (_scaled(of_sklearn(tree.tree_), emit.model.learning_rate), target)
        for row in grid
        for target, tree in enumerate(row)
    ]
    summed = total(emit, single(emit), trees, grid.shape[1])
    return emit.node("Add", summed, emit.constant(_start(emit.model).astype(emit.dtype)))


def _scaled(tree: Tree, factor: float) -> Tree:
    return replace(tree, values=tree.values * factor)


def _start(model: Any) -> Any:
    """The raw prediction before the first tree, `[1, targets]`."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if model.init_ != "zero" and not isinstance(model.init_, DummyClassifier | DummyRegressor):
        msg = f"{type(model).__name__} starts from another estimator (init={type(model.init_).__name__})"
        raise Unsupported(msg, hint="fit it with init=None or init='zero'")
    return model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))  # noqa: SLF001


def decide(emit: Emitter, raw: str, *, slope: float = 1.0, tie_is_first: bool) -> None:
    """Labels and probabilities (or raw scores) of raw predictions `[n, 1]` or `[n, classes]`.

    A raw prediction of exactly 0 between two classes is the first class if `tie_is_first`.
    """
    if len(emit.model.classes_) > 2:
        emit.classes(emit.node("ArgMax", raw, axis=1, keepdims=0))
        emit.answer(raw if emit.wants("raw_scores") else emit.node("Softmax", raw, axis=1), 1)
        return
    second = emit.node("Greater" if tie_is_first else "GreaterOrEqual", raw, emit.number(0.0))
    flat = emit.node("Reshape", emit.cast(second, np.int64), emit.constant(np.asarray([-1], np.int64)))
    emit.classes(flat)
    emit.answer(emit.decision(raw) if emit.wants("raw_scores") else _pair(emit, raw, slope), 1)


def _pair(emit: Emitter, raw: str, slope: float) -> str:
    odds = raw if slope == 1.0 else emit.node("Mul", raw, emit.number(slope))
    likely = emit.node("Sigmoid", odds)
    return emit.node("Concat", emit.node("Sub", emit.number(1.0), likely), likely, axis=1)
