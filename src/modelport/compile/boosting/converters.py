"""Lend the libraries' estimators to skl2onnx: they then serve inside pipelines, votes, stacks, calibrations.

Only libraries that are imported already: a model of another one cannot be there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from modelport.compile.boosting.boosted import Boosted
from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use
from modelport.errors import Unsupported

_KINDS = {
    "xgboost": ("XGBClassifier", "XGBRFClassifier", "XGBRegressor", "XGBRFRegressor", "XGBRanker"),
    "lightgbm": ("LGBMClassifier", "LGBMRegressor", "LGBMRanker"),
    "catboost": ("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker"),
}


def register() -> None:
    for library, kinds in _KINDS.items():
        module = sys.modules.get(library)
        for kind in kinds if module is not None else ():
            _use(getattr(module, kind), classifies="Classifier" in kind)
    if "modelport.compile.boosting.estimators" in sys.modules:
        from modelport.compile.boosting.estimators import BoostedClassifier, BoostedRegressor

        _use(BoostedClassifier, classifies=True)
        _use(BoostedRegressor, classifies=False)


def _use(kind: type, *, classifies: bool) -> None:
    if classifies:
        from sklearn.base import ClassifierMixin

        foreign = not issubclass(kind, ClassifierMixin)
        use(kind, shapes.classifier, _classifier, CLASSIFIER, two_outputs=foreign)
    else:
        use(kind, _declare_numbers, _regressor)


def _classifier(emit: Emitter) -> None:
    from modelport.compile.boosting.graph import classifier

    boosted = _boosted(emit.model)
    if not isinstance(emit.model.classes_, list) and boosted.targets > 1 and boosted.link == "sigmoid":
        msg = f"{type(emit.model).__name__} answers several labels at once inside another estimator"
        raise Unsupported(msg, hint="pack it by itself")
    classifier(emit, boosted)


def _regressor(emit: Emitter) -> None:
    from modelport.compile.boosting.graph import regressor

    regressor(emit, _boosted(emit.model))


def _declare_numbers(operator: Any) -> None:
    operator.outputs[0].type = shapes.floating(operator, _boosted(operator.raw_operator).targets)


def _boosted(model: Any) -> Boosted:
    own = getattr(model, "boosted", None)
    if isinstance(own, Boosted):
        return own
    return _reader(model)(model)


def _reader(model: Any) -> Callable[[Any], Boosted]:
    from modelport.compile.boosting import catboost_native, lightgbm_native, xgboost_native

    readers = {
        "xgboost": xgboost_native.read,
        "lightgbm": lightgbm_native.read,
        "catboost": catboost_native.read,
    }
    libraries = (each.__module__.partition(".")[0] for each in type(model).__mro__)
    return next(readers[library] for library in libraries if library in readers)
