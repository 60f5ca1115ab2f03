"""From scores to probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelport.runtimes.text.arrays import Floats
from modelport.runtimes.text.spec import Calibration, Curve, Linear, Sigmoid, Temperature

Link = Callable[[Floats], Floats]

_LARGEST_EXPONENT = 709.0  # the largest whole number whose exponential is a float64


def expit(scores: Floats) -> Floats:
    """`1 / (1 + exp(-x))`, without overflow."""
    likely: Floats = 1.0 / (1.0 + np.exp(np.minimum(-scores, _LARGEST_EXPONENT)))
    return likely


def softmax(scores: Floats) -> Floats:
    """Exponentials over their sum, per row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def logistic(scores: Floats) -> Floats:
    """Two classes from one score, or one class per score normalised over classes."""
    likely = expit(scores)
    return both(likely) if scores.shape[1] == 1 else shares(likely, empty=0.0)


def huber(scores: Floats) -> Floats:
    """The modified Huber loss: scores clipped to -1 … 1, moved to 0 … 1."""
    likely = (np.clip(scores, -1.0, 1.0) + 1.0) / 2.0
    return both(likely) if scores.shape[1] == 1 else shares(likely, empty=1.0 / scores.shape[1])


def both(likely: Floats) -> Floats:
    """The two columns of a binary probability `[n, 1]` of the second class."""
    return np.concatenate([1.0 - likely, likely], axis=1)


def shares(likely: Floats, empty: float) -> Floats:
    """Rows divided by their sum; a row of zeros becomes `empty` throughout."""
    sums = likely.sum(axis=1, keepdims=True)
    out = np.full_like(likely, empty)
    np.divide(likely, sums, out=out, where=sums != 0.0)
    return out


def probabilities(spec: Linear) -> Link | None:
    """The function from scores `[n, outputs]` to probabilities `[n, k]`; None where there are none."""
    if spec.calibration:
        return lambda scores: calibrated(scores, spec.calibration)
    links: dict[str, Link] = {"logistic": logistic, "softmax": softmax, "huber": huber}
    return links.get(spec.link)


def calibrated(scores: Floats, members: tuple[Calibration, ...]) -> Floats:
    """The mean of the members' calibrated probabilities."""
    total = _member(scores, members[0])
    for member in members[1:]:
        total = total + _member(scores, member)
    return total / len(members)


def _member(scores: Floats, member: Calibration) -> Floats:
    own = scores[:, member.start : member.stop]
    if member.link == "softmax":
        own = softmax(own)
        own = own[:, 1:] if own.shape[1] == 2 else own
    first = member.maps[0]
    if isinstance(first, Temperature):
        likely = softmax(first.beta * (np.concatenate([-own, own], axis=1) if own.shape[1] == 1 else own))
    else:
        likely = _each(own, member)
    return np.where((likely > 1.0) & (likely <= 1.0 + 1e-5), 1.0, likely)


def _each(scores: Floats, member: Calibration) -> Floats:
    likely = np.stack([_mapped(scores[:, place], map_) for place, map_ in enumerate(member.maps)], axis=1)
    if likely.shape[1] == 1:
        return both(likely)
    return shares(likely, empty=1.0 / likely.shape[1])


def _mapped(scores: Floats, map_: Curve | Sigmoid | Temperature) -> Floats:
    match map_:
        case Sigmoid(a, b):
            return expit(-(a * scores + b))
        case Curve(x, y):
            return np.interp(scores, x, y)
        case Temperature(beta):
            return beta * scores
