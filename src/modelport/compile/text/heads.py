"""Fitted linear estimators as weights, intercepts and a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.models import unwrapped
from modelport.compile.text.stages import name_of
from modelport.runtimes.text.arrays import Floats
from modelport.runtimes.text.spec import Calibration

LinkName = Literal["none", "logistic", "softmax", "huber", "exp"]


@dataclass(frozen=True, slots=True)
class Head:
    """A linear model: scores are rows times `weights` `[columns, outputs]` plus `intercept` `[outputs]`.

    `presence` says that the rows are first made 0 and 1, as BernoulliNB does.
    """

    weights: Floats
    intercept: Floats
    link: LinkName = "none"
    calibration: tuple[Calibration, ...] = ()
    presence: bool = False


def head(model: Any) -> Head | None:
    """`model` as a linear head; None where it is not one."""
    model = unwrapped(model)
    build = _BUILDERS.get(name_of(model))
    found = build(model) if build is not None else None
    if found is None or not (np.isfinite(found.weights).all() and np.isfinite(found.intercept).all()):
        return None
    return found


def plain(model: Any, link: LinkName = "none") -> Head:
    """`coef_` and `intercept_` as they are; one output where `coef_` is a vector."""
    weights = np.atleast_2d(_dense(model.coef_)).T.astype(np.float64)
    intercept = np.asarray(model.intercept_, np.float64).reshape(-1)
    return Head(weights, np.broadcast_to(intercept, weights.shape[1:]).copy(), link)


def _dense(coef: Any) -> npt.NDArray[np.floating]:
    return coef.toarray() if hasattr(coef, "toarray") else np.asarray(coef)


def _logistic_regression(model: Any) -> Head:
    several = getattr(model, "multi_class", "deprecated")
    if len(model.classes_) == 2:
        found = plain(model, "logistic")
        if several != "multinomial":
            return found
        # Two classes by softmax of (-score, score): the logistic of twice the score.
        return replace(found, weights=found.weights * 2.0, intercept=found.intercept * 2.0)
    apart = several == "ovr" or getattr(model, "solver", "") == "liblinear"
    return plain(model, "logistic" if apart else "softmax")


def _sgd(model: Any) -> Head:
    links: dict[str, LinkName] = {"log_loss": "logistic", "modified_huber": "huber"}
    return plain(model, links.get(model.loss, "none"))


def _multinomial_nb(model: Any) -> Head:
    return Head(model.feature_log_prob_.T, model.class_log_prior_, "softmax")


def _complement_nb(model: Any) -> Head:
    return Head(model.feature_log_prob_.T, np.zeros(len(model.classes_)), "softmax")


def _bernoulli_nb(model: Any) -> Head | None:
    if model.binarize not in (None, 0.0):
        return None
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    weights = (model.feature_log_prob_ - absent).T
    intercept = model.class_log_prior_ + absent.sum(axis=1)
    return Head(weights, intercept, "softmax", presence=model.binarize is not None)


def _generalized(model: Any) -> Head | None:
    links: dict[str, LinkName] = {"LogLink": "exp", "IdentityLink": "none"}
    link = links.get(type(model._base_loss.link).__name__)  # noqa: SLF001
    return None if link is None else plain(model, link)


def _one_vs_rest(model: Any) -> Head | None:
    each = [head(estimator) for estimator in model.estimators_]
    found = [one for one in each if one is not None and one.weights.shape[1] == 1]
    links = {one.link for one in found}
    if len(found) != len(each) or len(links) != 1 or not links <= {"none", "logistic"}:
        return None
    return replace(stacked(found), link=links.pop())


def stacked(heads: Sequence[Head]) -> Head:
    """Heads side by side, their scores in order; no link."""
    weights = np.concatenate([one.weights for one in heads], axis=1)
    return Head(weights, np.concatenate([one.intercept for one in heads]))


def _calibrated(model: Any) -> Head | None:
    from modelport.compile.text.calibration import calibrated

    return calibrated(model)


_PLAIN = (
    "LinearSVC RidgeClassifier RidgeClassifierCV Perceptron PassiveAggressiveClassifier "
    "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV HuberRegressor "
    "SGDRegressor LinearSVR PassiveAggressiveRegressor"
)

_BUILDERS: dict[str, Callable[[Any], Head | None]] = {
    **dict.fromkeys(_PLAIN.split(), plain),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV"), _logistic_regression),
    **dict.fromkeys(("PoissonRegressor", "GammaRegressor", "TweedieRegressor"), _generalized),
    "SGDClassifier": _sgd,
    "MultinomialNB": _multinomial_nb,
    "ComplementNB": _complement_nb,
    "BernoulliNB": _bernoulli_nb,
    "OneVsRestClassifier": _one_vs_rest,
    "CalibratedClassifierCV": _calibrated,
}
