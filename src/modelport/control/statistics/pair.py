"""The rates of two arms against each other, whatever they have in common.

Of two arms that are served at the same time it is known how many requests each had, and how many hits
(faults, wrong labels, late answers) both had together. Given these, how many hits fall on the candidate
follows Fisher's noncentral hypergeometric law, with the odds ratio as its only parameter: the rate that both
arms share drops out. It may change from one increment to the next, by the hour or in a burst, and it is never
estimated.

The likelihood ratio of each increment, given all before it and its margins, has expectation 1 under the null,
so the product is a nonnegative martingale (stratified 2 x 2 tables: Cornfield 1956, Mantel & Haenszel 1959;
e-values for two streams: Turner, Ly & Grünwald 2024, "Generic E-variables for exact sequential k-sample tests
that allow for optional stopping").
"""

from __future__ import annotations

import math
from functools import cache

import msgspec
import numpy as np

from modelport.control.statistics import odds
from modelport.control.statistics.odds import Floats

_WIDE = 8.0
"""Standard deviations to each side of its mode outside of which a law adds less than 1e-13."""


class Table(msgspec.Struct, frozen=True):
    """Trials and hits of the candidate, and of those it is compared with."""

    trials: int = 0
    hits: int = 0
    other_trials: int = 0
    other_hits: int = 0

    def plus(self, other: Table) -> Table:
        """Both together."""
        return Table(
            self.trials + other.trials,
            self.hits + other.hits,
            self.other_trials + other.other_trials,
            self.other_hits + other.other_hits,
        )


class Pair(msgspec.Struct, frozen=True, omit_defaults=True):
    """Evidence about the odds ratio of two arms: a value that is kept.

    Attributes:
        ll: the log-likelihoods over `odds.THETA`, as 64-bit floats; empty before the first.
        held: what waits until both arms have trials. Whether it does depends on numbers of trials only, so
            waiting favours no hypothesis.
    """

    ll: bytes = b""
    held: Table = Table()

    def add(self, table: Table) -> Pair:
        """With one more increment."""
        held = self.held.plus(table)
        if min(held.trials, held.other_trials) == 0:
            return msgspec.structs.replace(self, held=held)
        if not 0 < held.hits + held.other_hits < held.trials + held.other_trials:
            return msgspec.structs.replace(self, held=Table())
        return Pair((self.likelihoods + conditional(held)).tobytes())

    @property
    def likelihoods(self) -> Floats:
        """Log-likelihood of each odds of the grid against even odds."""
        return np.frombuffer(self.ll) if self.ll else np.zeros(odds.POINTS)


def conditional(table: Table) -> Floats:
    """Log-likelihood of each odds of the grid against even odds, given the margins of `table`."""
    total = table.hits + table.other_hits
    fewest, most = max(0, total - table.other_trials), min(table.trials, total)
    support = np.arange(fewest, most + 1, dtype=float)
    ways = _ways(table.trials, support) + _ways(table.other_trials, total - support)
    width = 2 * math.ceil(_WIDE * math.sqrt(_spread(table)) + 10) + 1
    if support.size <= 2 * width:
        norm = _log_sum(ways + np.multiply.outer(odds.THETA, support))
    else:
        norm = _log_sum_near(_modes(table) - fewest, width, ways, support)
    ll = table.hits * odds.THETA - norm
    return np.asarray(ll - ll[odds.EVEN])


def _log_sum(terms: Floats) -> Floats:
    top = terms.max(axis=1)
    return np.asarray(top + np.log(np.exp(terms - top[:, None]).sum(axis=1)))


def _log_sum_near(places: Floats, width: int, ways: Floats, support: Floats) -> Floats:
    """The sum over those `width` terms around each place that matter when there are many."""
    first = np.clip(np.floor(places) - width // 2, 0, ways.size - width).astype(np.intp)
    near = np.lib.stride_tricks.sliding_window_view(ways, width)[first]
    offsets = np.multiply.outer(odds.THETA, np.arange(width))
    return np.asarray(odds.THETA * support[first] + _log_sum(near + offsets))


def _spread(table: Table) -> float:
    """A bound of the variance at any odds: that of a binomial law of the smaller of the four margins."""
    hits = table.hits + table.other_hits
    misses = table.trials + table.other_trials - hits
    return min(table.trials, table.other_trials, hits, misses) / 4


def _modes(table: Table) -> Floats:
    """Mode of the law at each odds (Liao & Rosen 2001), where (w - 1) x² - b x + c = 0."""
    ratio, total = np.exp(odds.THETA), table.hits + table.other_hits
    b = (total + table.trials + 2) * ratio + (table.other_trials - total)
    c = ratio * (table.trials + 1) * (total + 1)
    return np.asarray(2 * c / (b + np.sqrt(b * b - 4 * (ratio - 1) * c)))


def _ways(items: int, chosen: Floats) -> Floats:
    """ln C(items, chosen), without the term that does not depend on `chosen`."""
    return -_log_factorial(chosen) - _log_factorial(items - chosen)


def _log_factorial(numbers: Floats) -> Floats:
    """ln n!: summed up for small numbers, Stirling's series (error below 1e-16) for the others."""
    small = _factorials()
    if numbers.size == 0 or float(numbers.max()) < small.size:
        return small[numbers.astype(np.intp)]
    big = np.maximum(numbers, small.size) + 1.0
    series = (1 / 12 - (1 / 360 - 1 / 1260 / (big * big)) / (big * big)) / big
    stirling = (big - 0.5) * np.log(big) - big + 0.5 * math.log(2 * math.pi) + series
    at = np.minimum(numbers, small.size - 1).astype(np.intp)
    return np.where(numbers < small.size, small[at], stirling)


@cache
def _factorials() -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, 4096.0)))])
