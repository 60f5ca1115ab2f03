"""A rate against a fixed limit, valid at any time, from its two cumulative counts alone.

Each trial multiplies the bet on odds w by its likelihood ratio, a Bernoulli law tilted from the limit to odds
w times those of the limit. While the rate keeps the limit at every moment, even a changing one, that is a
nonnegative supermartingale (Wald 1945; mixtures: Robbins 1970; seen as bets: Waudby-Smith & Ramdas 2024,
"Estimating means of bounded random variables by betting"). The product depends on the counts alone, so
nothing else has to be kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from modelport.control.statistics import odds
from modelport.control.statistics.odds import Floats

_TILT = np.expm1(odds.THETA)
_UP, _DOWN = slice(odds.EVEN + 1, None), slice(odds.EVEN - 1, None, -1)
"""The odds above 1, and those below, each from the nearest on."""
_MOST = 10**9
"""Times of the present evidence beyond which it is not worth waiting."""
_FAR = 24.0
"""Logits below the estimate at which the search for a lower bound begins."""


def tilts(trials: int, hits: int, limit: float) -> Floats:
    """Log-likelihood of `hits` in `trials` at odds of the grid times those of `limit`, against `limit`."""
    return _tilts(trials, hits, limit, slice(None))


def beyond(trials: int, hits: int, limit: float, spread: float = odds.MIDDLE) -> float:
    """Log e-value against "the rate never exceeds `limit`"."""
    return odds.mixed(_tilts(trials, hits, limit, _UP), spread)


def far_beyond(trials: int, hits: int, limit: float) -> float:
    """Log e-value against "the rate never exceeds `limit`", for rates that may lie far above it.

    It mixes evenly over the rates above the limit, 1 among them: three of three hits are e = 2,000 against
    a limit of 5 %, where `beyond` expects rates near the limit and needs more.
    """
    rates = np.linspace(limit, 1.0, 20)[1:]
    with np.errstate(divide="ignore"):
        misses = (trials - hits) * (np.log1p(-rates) - math.log1p(-limit)) if trials > hits else 0.0
    return float(np.logaddexp.reduce(hits * np.log(rates / limit) + misses)) - math.log(rates.size)


def within(trials: int, hits: int, limit: float, spread: float = odds.MIDDLE) -> float:
    """Log e-value against "the rate never falls below `limit`"."""
    return odds.mixed(_tilts(trials, hits, limit, _DOWN), spread)


def bounds(
    trials: int, hits: int, harm: float, hold: float, spread: float = odds.MIDDLE
) -> tuple[float, float]:
    """Bounds of the rate: the lower at level `harm`, the upper at level `hold`; to 1 in 1,000 of its odds.

    The lower lies above a limit just when `beyond` reaches 1/`harm` there, the upper below it just when
    `within` reaches 1/`hold`.
    """
    low = _lower(trials, hits, harm, spread)
    return low, 1.0 - _lower(trials, trials - hits, hold, spread)


def needed(trials: int, hits: int, limit: float, level: float, spread: float = odds.MIDDLE) -> int | None:
    """Trials still to come, at the present rate, until `within` reaches 1/`level`; None if it never will."""
    if trials == 0 or hits / trials >= limit:
        return None
    ll = tilts(1, 0, limit) * trials + hits * odds.THETA
    times = more(ll, odds.EVEN, level, spread)
    return None if times is None else math.ceil((times - 1) * trials)


def more(ll: Floats, null: int, level: float, spread: float = odds.MIDDLE) -> float | None:
    """How many times the present evidence it takes until `odds.below` reaches 1/`level`; at least 1."""
    goal, times = -math.log(level), 1.0
    while odds.below(ll * times, null, spread) < goal:
        times *= 2
        if times > _MOST:
            return None
    low = times / 2 if times > 1 else 1.0
    for _ in range(7 if times > 1 else 0):
        middle = (low + times) / 2
        low, times = (middle, times) if odds.below(ll * middle, null, spread) < goal else (low, middle)
    return times


def _tilts(trials: int, hits: int, limit: float, part: slice) -> Floats:
    return np.asarray(hits * odds.THETA[part] - trials * np.log1p(limit * _TILT[part]))


def _lower(trials: int, hits: int, level: float, spread: float) -> float:
    """Largest rate that `beyond` rejects, searched on its logit; 0 when it rejects none."""
    if hits == 0:
        return 0.0
    share = min(hits / trials, 1 - 1e-9)
    estimate = math.log(share / (1 - share))

    def missing(logit: float) -> float:
        return -math.log(level) - beyond(trials, hits, _rate(logit), spread)

    step = min(4.0, 4.0 / math.sqrt(trials * share * (1 - share) + 1e-9))
    low = estimate - step
    while missing(low) > 0:
        step *= 2
        low -= step
        if step > _FAR:
            return 0.0
    return _rate(_root(missing, low, estimate))


def _root(missing: Callable[[float], float], low: float, high: float) -> float:
    """The last place up to 0.001 before an increasing function turns positive (Illinois method)."""
    under, over, last = missing(low), missing(high), 0
    while high - low > 1e-3:
        middle = min(max(low - under * (high - low) / (over - under), low + 5e-4), high - 5e-4)
        value = missing(middle)
        if value <= 0:
            low, under, over = middle, value, over / 2 if last < 0 else over
        else:
            high, over, under = middle, value, under / 2 if last > 0 else under
        last = -1 if value <= 0 else 1
    return low


def _rate(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
