"""Evidence about an odds ratio: log-likelihoods on a grid, and the e-values that are made of them.

Evidence about odds w is kept as the log-likelihood ratio of every w of a grid against w = 1, one number each.
A one-sided test of "w is at most w0" mixes the likelihood ratios of all w > w0 against w0 with fixed weights
(Robbins 1970, "Statistical methods related to the law of the iterated logarithm"; Howard, Ramdas, McAuliffe &
Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences"). The weights are a prior on
the distance of ln w from ln w0 that vanishes at the null (Johnson & Rossell 2010, "On the use of non-local
prior densities in Bayesian hypothesis tests"), here Rayleigh's: what hardly differs from the null takes so
long to be told from it that bets on it are lost on all that differs clearly.

Families with a monotone likelihood ratio, and all that are used here have one, make the ratio of w > w0
against w0 a supermartingale under every w <= w0, not only under w0 itself. And as they are exponential in
ln w, their log-likelihood is concave: at the same distance the ratio only grows as w0 falls, whatever the
prior. So what is rejected at w0 is rejected below it, and the set of w that is not rejected is an interval: a
confidence sequence.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP: Final = math.log(1.05)
REACH: Final = 86
"""Steps of the grid to each side: odds from 1/66 to 66."""
POINTS: Final = 2 * REACH + 1
EVEN: Final = REACH
"""Index of odds 1."""
THETA: Final[Floats] = np.asarray(STEP * np.arange(-REACH, REACH + 1), dtype=np.float64)
"""Natural logarithms of the odds."""
NEAR: Final = 0.4
MIDDLE: Final = 1.0
FAR: Final = 1.5
"""Scales of the prior on the distance of ln w from the null: what differs slightly, clearly, by multiples.
Any is valid; evidence comes soonest about differences of its size."""


def above(ll: Floats, null: int = EVEN, spread: float = MIDDLE) -> float:
    """Natural logarithm of the e-value against "the odds are at most those at index `null`".

    Shapes: `ll` holds `POINTS` log-likelihoods, known up to one common constant.
    """
    return mixed(ll[null + 1 :] - ll[null], spread)


def below(ll: Floats, null: int = EVEN, spread: float = MIDDLE) -> float:
    """Natural logarithm of the e-value against "the odds are at least those at index `null`"."""
    return mixed(ll[:null][::-1] - ll[null], spread)


def bounds(ll: Floats, level: float, spread: float = MIDDLE) -> tuple[float, float]:
    """Lower and upper confidence bound of the odds, each valid at any time with 1 - `level`.

    Rounded outwards to the grid; 0 and infinity where nothing is ruled out.
    """
    low, high = _ruled_out(ll, level, spread), _ruled_out(ll[::-1], level, spread)
    lower = 0.0 if low is None else math.exp(THETA[low])
    upper = math.inf if high is None else math.exp(-THETA[high])
    return lower, upper


def index_up(odds: float) -> int:
    """Index of the smallest odds of the grid that are not below `odds`; the last when all are."""
    steps = math.log(odds) / STEP if 0 < odds < math.inf else math.copysign(REACH, odds - 1)
    return min(max(math.ceil(steps - 1e-9) + REACH, 0), POINTS - 1)


def index_down(odds: float) -> int:
    """Index of the largest odds of the grid that are not above `odds`; the first when all are."""
    return POINTS - 1 - index_up(1 / odds if odds > 0 else math.inf)


def mixed(ratios: Floats, spread: float) -> float:
    """Natural logarithm of the mixture of likelihood ratios 1, 2, 3 ... steps beyond the null.

    Minus infinity where no odds of the grid lie beyond it: nothing can be said there.
    """
    if not ratios.size:
        return -math.inf
    return float(np.logaddexp.reduce(ratios + _log_prior(spread)[: ratios.size]))


def _ruled_out(ll: Floats, level: float, spread: float) -> int | None:
    """Index of the largest odds whose test rejects them."""
    scaled = ll - ll.max()
    with np.errstate(divide="ignore"):
        values = np.log(_beyond_each(spread) @ np.exp(scaled)) - scaled
    rejected = np.flatnonzero(values >= -math.log(level))
    return int(rejected[-1]) if rejected.size else None


@cache
def _log_prior(spread: float) -> Floats:
    """Log-weights of the odds 1, 2, 3 ... steps beyond the null; the weights sum to 1."""
    distance = STEP / spread * np.arange(1, 2 * REACH + 1)
    densities = np.log(distance) - 0.5 * np.square(distance)
    return np.asarray(densities - np.logaddexp.reduce(densities))


@cache
def _beyond_each(spread: float) -> Floats:
    """Row i weighs all odds of the grid that lie above those at index i."""
    steps = np.arange(POINTS) - np.arange(POINTS)[:, None] - 1
    weights = np.exp(_log_prior(spread))[np.clip(steps, 0, 2 * REACH - 1)]
    return np.asarray(np.where(steps >= 0, weights, 0.0))
