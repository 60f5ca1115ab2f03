"""CalibratedClassifierCV over linear classifiers: all members' weights side by side, one map per class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modelport.compile.sklearn.models import unwrapped
from modelport.compile.text.heads import Head, head, stacked
from modelport.runtimes.text.spec import Calibration, Curve, Sigmoid, Temperature


def calibrated(model: Any) -> Head | None:
    """The members of a CalibratedClassifierCV as one head; None where one of them is not linear."""
    heads: list[Head] = []
    maps: list[Calibration] = []
    start = 0
    for member in model.calibrated_classifiers_:
        found, link = _base(member, model.classes_)
        if found is None:
            return None
        stop = start + found.weights.shape[1]
        heads.append(found)
        maps.append(Calibration(start, stop, link, tuple(_map(each) for each in member.calibrators)))
        start = stop
    return replace(stacked(heads), calibration=tuple(maps))


def _base(member: Any, classes: Any) -> tuple[Head | None, Any]:
    """The head under one member, and what the member's maps are given: scores or probabilities."""
    estimator = unwrapped(member.estimator)
    found = head(estimator)
    if found is None or found.calibration or found.presence or not _same(estimator.classes_, classes):
        return None, "none"
    if hasattr(estimator, "decision_function"):
        return found, "none"
    ready = found.link == "softmax" and member.method != "temperature"
    return (found if ready else None), "softmax"


def _same(own: Any, classes: Any) -> bool:
    """Whether a member knows all the classes, by value or (under temperature scaling) by number."""
    return np.array_equal(own, classes) or np.array_equal(own, np.arange(len(classes)))


def _map(calibrator: Any) -> Curve | Sigmoid | Temperature:
    if hasattr(calibrator, "beta_"):
        return Temperature(float(calibrator.beta_))
    if hasattr(calibrator, "a_"):
        return Sigmoid(float(calibrator.a_), float(calibrator.b_))
    return Curve(_numbers(calibrator.X_thresholds_), _numbers(calibrator.y_thresholds_))


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float64).tolist())
