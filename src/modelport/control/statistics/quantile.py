"""Latencies as counts above thresholds: what is tested about a quantile is a rate.

The 95th percentile is above x just when more than 5 % lie above x. So a limit on it is a limit on a rate, and
its confidence sequence is that of the rates above all bounds of the buckets, inverted (Howard & Ramdas 2022,
"Sequential estimation of quantiles with applications to A/B testing and best-arm identification").
A bucket that a limit falls into is counted on the side that speaks against what is to be shown.

Between two arms the thresholds are quantiles of what there was before the increment (`tails.py`): they know
nothing of what they are used on, so any choice is valid and a good one is strong.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

from modelport.control.statistics import rate
from modelport.core.latency import CELLS, upper

Histogram = Mapping[int, int]
"""Counts by `core.latency.bucket`."""

UPPERS = tuple(upper(cell) for cell in range(CELLS))


def size(found: Histogram) -> int:
    """How many were counted."""
    return sum(found.values())


def exceeding(found: Histogram, cell: int) -> int:
    """How many lie in a later bucket than `cell`."""
    return sum(count for at, count in found.items() if at > cell)


def surely_above(seconds: float) -> int:
    """The cell after which every latency is `seconds` or longer."""
    return bisect_left(UPPERS, seconds)


def maybe_above(seconds: float) -> int:
    """The cell up to which every latency is below `seconds`; -1 when no bucket is."""
    cell = surely_above(seconds)
    return cell if cell < CELLS and UPPERS[cell] == seconds else cell - 1


def cell_of(found: Histogram, share: float) -> int | None:
    """The bucket that the `share` quantile lies in; None of nothing."""
    rest = share * size(found)
    for at in sorted(found):
        rest -= found[at]
        if rest <= 0:
            return at
    return None


def value(found: Histogram, share: float) -> float | None:
    """The `share` quantile in seconds, as the end of its bucket."""
    cell = cell_of(found, share)
    return None if cell is None else UPPERS[cell]


def bounds(found: Histogram, share: float, harm: float, hold: float) -> tuple[float, float]:
    """Bounds in seconds of the `share` quantile: the lower at level `harm`, the upper at level `hold`."""
    trials, tail = size(found), 1.0 - share
    counts = np.zeros(CELLS, dtype=np.intp)
    counts[list(found)] = list(found.values())
    above = (trials - counts.cumsum()).tolist()
    least, most = -math.log(harm), -math.log(hold)
    low = bisect_left(above, True, key=lambda hits: not _beyond(trials, hits, tail, least))
    high = bisect_left(above, True, key=lambda hits: _within(trials, hits, tail, most))
    return (UPPERS[low - 1] if low else 0.0), (UPPERS[high] if high < CELLS else math.inf)


def _beyond(trials: int, hits: int, limit: float, goal: float) -> bool:
    return hits > limit * trials and rate.beyond(trials, hits, limit) >= goal


def _within(trials: int, hits: int, limit: float, goal: float) -> bool:
    return hits < limit * trials and rate.within(trials, hits, limit) >= goal
