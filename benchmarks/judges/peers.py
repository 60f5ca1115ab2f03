"""Judges as others build them, on the same streams, with the settings that they come with or advise.

Kayenta's classifier compares points of time series: a Mann-Whitney test at 98 %, and the confidence interval
of the Hodges-Lehmann shift has to lie beyond a quarter of the estimate. Spinnaker advises 50 points at least,
and judges again at every interval. Flagger compares each interval with a fixed threshold (success of 99 %)
and rolls back after a number of failed checks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.judges.streams import CANDIDATE, CONTROL
from benchmarks.judges.trial import Look
from modelport.control.statistics.quantile import value
from modelport.core.evidence import NONE, Increment, Outcomes

Z98 = 2.3263
TOLERANCE = 0.25
POINTS, EVERY = 50, 10
"""Fewest points of a judgement, and points between one and the next."""
CHECKS, INTERVAL, SUCCESS = 5, 5, 0.99
"""Failed checks until Flagger rolls back, increments in an interval, success that each has to reach."""

Metric = Callable[[Outcomes], float | None]


def fault_share(seen: Outcomes) -> float | None:
    """Faults among the trials of an interval."""
    return seen.faults / seen.trials if seen.trials else None


def wrong_share(seen: Outcomes) -> float | None:
    """Wrong labels of an interval."""
    return 1 - seen.right / seen.labels if seen.labels else None


def p95(seen: Outcomes) -> float | None:
    """The 95th percentile of an interval's latencies."""
    return value(seen.latencies, 0.95)


def kayenta(metric: Metric, other: str = CONTROL) -> Look:
    """Points of the candidate against those of the control slot, or of another, one for each increment."""
    points: dict[str, list[float]] = {CANDIDATE: [], other: []}

    def look(increment: Increment) -> tuple[str, ...]:
        for slot, found in points.items():
            point = metric(increment.of(slot))
            if point is not None:
                found.append(point)
        enough = len(points[CANDIDATE])
        if enough < POINTS or enough % EVERY:
            return ()
        return ("high",) if _high(np.array(points[CANDIDATE]), np.array(points[other])) else ()

    return look


def flagger() -> Look:
    """Intervals of the candidate against a fixed success rate."""
    failed, count, seen = 0, 0, NONE

    def look(increment: Increment) -> tuple[str, ...]:
        nonlocal failed, count, seen
        seen, count = seen.plus(increment.of(CANDIDATE)), count + 1
        if count % INTERVAL:
            return ()
        failed += seen.trials > 0 and 1 - seen.faults / seen.trials < SUCCESS
        seen = NONE
        return ("failed",) if failed >= CHECKS else ()

    return look


def _high(own: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether the whole confidence interval of the shift lies above the tolerance band."""
    shifts = np.sort(np.subtract.outer(own, other), axis=None)
    deviation = np.sqrt(own.size * other.size * (own.size + other.size + 1) / 12)
    lowest = max(int(own.size * other.size / 2 - Z98 * deviation), 0)
    return bool(shifts[lowest] > TOLERANCE * abs(np.median(shifts)))
