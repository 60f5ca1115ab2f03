"""A fitted model in the plain form that converts: searches unwrapped, columns by position."""

from __future__ import annotations

import copy
from typing import Any


def plain(model: Any) -> Any:
    """A copy that predicts the same, with search and frozen wrappers replaced by what they hold.

    Column transformers name their columns by position (ONNX inputs have an order, not a frame), and sparse
    one-hot bins become dense ones (ONNX tensors are dense).
    """
    return _plain(copy.deepcopy(model))


def _plain(value: Any) -> Any:
    from sklearn.base import BaseEstimator
    from sklearn.calibration import _CalibratedClassifier

    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_plain(each) for each in value)
    if isinstance(value, _CalibratedClassifier):  # one fold of a calibration: no estimator, but it holds one
        value.estimator = _plain(value.estimator)
        return value
    if not isinstance(value, BaseEstimator) or hasattr(value, "tree_"):
        return value
    if wraps(value):
        return _plain(unwrapped(value))
    for name, part in list(vars(value).items()):
        if isinstance(part, list | tuple | BaseEstimator):
            setattr(value, name, _plain(part))
    return _by_position(value)


def wraps(model: Any) -> bool:
    """Whether a model only stands for another one: a parameter search, or a frozen estimator."""
    return hasattr(model, "best_estimator_") or type(model).__name__ == "FrozenEstimator"


def unwrapped(model: Any) -> Any:
    """The model that answers: the search's best, the frozen estimator's own."""
    return unwrapped(getattr(model, "best_estimator_", None) or model.estimator) if wraps(model) else model


def _by_position(model: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import KBinsDiscretizer

    if isinstance(model, ColumnTransformer) and hasattr(model, "transformers_"):
        places = model._transformer_to_input_indices  # noqa: SLF001
        model.transformers_ = [(name, part, list(places[name])) for name, part, _ in model.transformers_]
    if isinstance(model, KBinsDiscretizer) and model.encode == "onehot":
        model.encode = "onehot-dense"
    if getattr(model, "flatten_transform", False):
        model.flatten_transform = False  # shapes what transform of a vote answers; we only predict
    return model


def last(model: Any) -> Any:
    """The estimator whose answer is the model's answer: the last step of a pipeline, through searches."""
    from sklearn.pipeline import Pipeline

    model = unwrapped(model)
    return last(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def first(model: Any) -> Any:
    """The estimator that meets the rows: the first real step, through pipelines and ensembles."""
    from sklearn.pipeline import Pipeline

    model = unwrapped(model)
    if isinstance(model, Pipeline):
        steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
        return first(steps[0]) if steps else model
    inner = _held(model)
    return model if inner is None else first(inner)


def _held(model: Any) -> Any:
    """The estimator that a model passes its rows on to untouched, if it does; the first one of several."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor

    if isinstance(model, TransformedTargetRegressor):
        return model.regressor_
    if isinstance(model, StackingClassifier | StackingRegressor | VotingClassifier | VotingRegressor):
        return model.estimators_[0]
    if isinstance(model, CalibratedClassifierCV):
        return model.calibrated_classifiers_[0].estimator
    return None


def feature_names(model: Any) -> tuple[str, ...] | None:
    """The columns that the model was fitted on; None where they had no names of their own."""
    for each in (unwrapped(model), first(model)):
        names = getattr(each, "feature_names_in_", None)
        if names is not None and not all(name == f"Column_{place}" for place, name in enumerate(names)):
            return tuple(str(name) for name in names)
    return None


def takes_columns(model: Any) -> bool:
    """Whether the model tells its columns apart, so that they may differ in dtype."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    head = first(model)
    if isinstance(head, ColumnTransformer | OneHotEncoder | OrdinalEncoder | TargetEncoder):
        return True
    named = getattr(getattr(head, "boosted", None), "tables", None)
    return bool(named) or getattr(head, "_preprocessor", None) is not None
