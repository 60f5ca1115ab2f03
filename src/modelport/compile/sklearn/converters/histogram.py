"""Histogram gradient boosting: numbers, missing values, categories, every loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.boosting import decide
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.ensemble import total
from modelport.compile.sklearn.converters.lookup import looked_up, tables
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use
from modelport.compile.sklearn.converters.trees import of_histogram
from modelport.errors import Unsupported

_INVERSE_LINKS = {"IdentityLink": "", "LogLink": "Exp"}


def register() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    use(HistGradientBoostingClassifier, shapes.classifier, _classifier, CLASSIFIER)
    use(HistGradientBoostingRegressor, shapes.regressor, _regressor)


def _classifier(emit: Emitter) -> None:
    decide(emit, _raw(emit), tie_is_first=True)


def _regressor(emit: Emitter) -> None:
    link = type(emit.model._loss.link).__name__  # noqa: SLF001
    if link not in _INVERSE_LINKS:
        msg = f"HistGradientBoostingRegressor has the link {link}, which is not known here"
        raise Unsupported(msg)
    raw = _raw(emit)
    emit.answer(emit.node(_INVERSE_LINKS[link], raw) if _INVERSE_LINKS[link] else raw)


def _raw(emit: Emitter) -> str:
    trees = [
        (of_histogram(predictor), target)
        for iteration in emit.model._predictors  # noqa: SLF001
        for target, predictor in enumerate(iteration)
    ]
    summed = total(emit, _features(emit), trees, int(emit.model.n_trees_per_iteration_))
    start = np.asarray(emit.model._baseline_prediction, emit.dtype).reshape(1, -1)  # noqa: SLF001
    return emit.node("Add", summed, emit.constant(start))


def _features(emit: Emitter) -> str:
    """What the trees were grown on: category codes first (unknown and missing are NaN), then numbers."""
    preprocessor = emit.model._preprocessor  # noqa: SLF001
    if preprocessor is None:
        return emit.matrix()
    categorical = np.flatnonzero(emit.model.is_categorical_)
    numerical = np.flatnonzero(~emit.model.is_categorical_)
    encoder: Any = preprocessor.named_transformers_["encoder"]
    codes = [
        looked_up(emit, int(place), table) for place, table in zip(categorical, tables(encoder), strict=True)
    ]
    return emit.node("Concat", *codes, *(emit.column(int(place))[0] for place in numerical), axis=1)
