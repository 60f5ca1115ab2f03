"""What a fitted model's answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.models import last, unwrapped
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Meaning:
    """A task with the class values behind its label indices.

    Attributes:
        task: what the outputs mean.
        classes: values that the model itself answers, in the order of the label indices.
        labels: what users call them; None when the task has no labels.
        probabilistic: whether the model gives probabilities (else decision values, where it has them).
    """

    task: Task
    classes: tuple[Label, ...] = ()
    labels: tuple[Label, ...] | None = None
    probabilistic: bool = False
    scored: bool = False


def meaning(model: Any, rows: Any, names: tuple[Label, ...] | None) -> Meaning:
    """The meaning of `model`'s answers; `rows` are a few real rows in the form the model takes.

    `names` rename the classes. Raises `Unsupported` when the model cannot answer new rows, or when `names` do
    not fit its classes.
    """
    task = _task(model, rows)
    if task not in {"classification", "multilabel"}:
        if names is not None:
            msg = f"labels were given, but the model is a {task} model"
            raise Unsupported(msg, code="labels", hint="leave labels out")
        labels = ("outlier", "inlier") if task == "outlier" else None
        return Meaning(task, labels=labels, scored=hasattr(model, "decision_function"))
    classes = _classes(model)
    return Meaning(
        task,
        classes,
        _named(classes, names),
        probabilistic=hasattr(model, "predict_proba"),
        scored=hasattr(model, "decision_function"),
    )


def _task(model: Any, rows: Any) -> Task:
    from sklearn.base import is_classifier, is_outlier_detector, is_regressor

    core = unwrapped(model)
    if not hasattr(core, "predict"):
        return _transforms(core)
    if is_classifier(core):
        return "multilabel" if np.ndim(core.predict(rows)) > 1 else "classification"
    if is_regressor(core):
        return "regression"
    return "outlier" if is_outlier_detector(core) else "clustering"


def _transforms(model: Any) -> Task:
    if hasattr(model, "transform"):
        return "transform"
    name = type(last(model)).__name__
    msg = f"{name} has neither predict nor transform: it describes its own rows and cannot answer new ones"
    raise Unsupported(
        msg, hint="fit a classifier on its labels, or use KMeans, or LocalOutlierFactor(novelty=True)"
    )


def _classes(model: Any) -> tuple[Label, ...]:
    found = unwrapped(model).classes_
    if isinstance(found, list):
        return tuple(np.unique(np.concatenate([np.asarray(each) for each in found])).tolist())
    if _is_indicator(model):
        return (0, 1)
    classes = np.asarray(found)
    if classes.dtype.kind == "f" and not np.array_equal(classes, np.floor(classes)):
        msg = "the classes are fractional numbers, which graphs have no labels for"
        raise Unsupported(msg, hint="fit the classifier on whole numbers or texts")
    return tuple(classes.tolist())


def _is_indicator(model: Any) -> bool:
    """Whether the targets were an indicator matrix, whose `classes_` number the targets."""
    core = last(model)
    binarizer = getattr(core, "label_binarizer_", getattr(core, "_label_binarizer", None))
    return getattr(binarizer, "y_type_", "").startswith("multilabel")


def _named(classes: tuple[Label, ...], names: tuple[Label, ...] | None) -> tuple[Label, ...]:
    if names is None:
        return classes
    if len(names) != len(classes):
        msg = f"{len(names)} labels were given for {len(classes)} classes"
        raise Unsupported(msg, code="labels", hint=f"name them in this order: {', '.join(map(str, classes))}")
    return names


def indices(values: npt.ArrayLike, classes: tuple[Label, ...]) -> npt.NDArray[np.int64]:
    """The position in `classes` (sorted, as scikit-learn keeps them) of each value."""
    return np.searchsorted(np.asarray(classes), np.asarray(values)).astype(np.int64)
