"""What is watched in every rollout, asked for or not.

A guard says harm when a candidate is shown to be worse than the baseline by more than a margin: with enough
requests every two versions differ, and a difference that matters to nobody is no reason to go back.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from modelport.control.judging.sight import P95, Levels, Sight, levels, milliseconds, of_right
from modelport.control.statistics import odds, quantile, rate
from modelport.control.statistics.pair import Pair, Table
from modelport.control.statistics.tails import Question
from modelport.core.rollout import Finding

ERRORS_MARGIN: Final = odds.EVEN + 1
"""Odds of a fault up to 1.05 times those of the baseline are no harm."""
ACCURACY_MARGIN: Final = odds.EVEN + 1
"""Odds of a wrong label up to 1.05 times those of the baseline are no harm."""
LATENCY_FACTOR: Final = 1.1
"""Latencies up to 1.1 times those of the control slot are no harm."""
BROKEN: Final = 1 / 20
"""Most requests that may end in an output that is not finite or breaks the contract."""

QUESTIONS: Final = tuple(Question(share, LATENCY_FACTOR) for share in (0.5, 0.75, 0.9, P95))


def errors(sight: Sight) -> Finding:
    """Faults against those of the baseline at the same time."""
    mine, theirs = sight.candidate, sight.baseline
    if not mine.trials or not theirs.trials:
        return _absent("guard.errors", mine.trials, "requests of both versions")
    at = levels("guard.errors", sight.terms)
    seen = Table(mine.trials, mine.faults, theirs.trials, theirs.faults)
    return _compared("guard.errors", seen, sight.errors, ERRORS_MARGIN, at, spread=odds.FAR)


def accuracy(sight: Sight) -> Finding:
    """Accuracy against that of the baseline's labels that came at the same time."""
    mine, theirs = sight.candidate, sight.baseline
    if not mine.labels or not theirs.labels:
        return _absent("guard.accuracy", mine.labels, "feedback on predictions of both versions")
    seen = Table(mine.labels, mine.labels - mine.correct, theirs.labels, theirs.labels - theirs.correct)
    at = levels("guard.accuracy", sight.terms)
    found = _compared("guard.accuracy", seen, sight.accuracy, ACCURACY_MARGIN, at, spread=odds.NEAR)
    return of_right(found, theirs.correct / theirs.labels, "baseline")


def latency(sight: Sight) -> Finding:
    """Latencies against those of the control slot at the same time, at four quantiles, averaged."""
    samples = quantile.size(sight.candidate.latencies)
    own, other = (quantile.value(arm.latencies, P95) for arm in (sight.candidate, sight.control))
    if own is None or other is None:
        return _absent("guard.latency", samples, "latencies of both versions")
    at = levels("guard.latency", sight.terms)
    values = [odds.above(sight.latency.pair(question).likelihoods) for question in QUESTIONS]
    verdict = at.verdict(float(np.logaddexp.reduce(values)) - math.log(len(values)), -math.inf)
    return Finding(
        "guard.latency",
        verdict,
        own,
        limit=other,
        samples=samples,
        fits=verdict != "harm",
        text=f"p95 {milliseconds(own)} of {samples} requests, control {milliseconds(other)}",
    )


def broken(sight: Sight) -> Finding:
    """Outputs that are not finite or break the contract, against 1 in 20."""
    seen = sight.candidate
    if not seen.requests:
        return _absent("guard.broken", 0, "requests of the candidate")
    at = levels("guard.broken", sight.terms)
    harm = rate.far_beyond(seen.requests, seen.broken, BROKEN)
    verdict = at.verdict(harm, rate.within(seen.requests, seen.broken, BROKEN))
    share = seen.broken / seen.requests
    return Finding(
        "guard.broken",
        verdict,
        share,
        limit=BROKEN,
        samples=seen.requests,
        fits=verdict != "harm",
        text=f"broken outputs {share:.2%} of {seen.requests} requests, at most {BROKEN:.0%}",
    )


def split(sight: Sight) -> Finding:
    """Requests that the candidate was assigned, against its share."""
    seen = sight.split
    if not seen.total:
        return _absent("guard.split", 0, "requests while all replicas split alike")
    share, expected = seen.assigned / seen.total, seen.expected / seen.total
    verdict = levels("guard.split", sight.terms).verdict(seen.mismatch(), -math.inf)
    return Finding(
        "guard.split",
        verdict,
        share,
        limit=expected,
        samples=seen.assigned,
        fits=verdict != "harm",
        text=f"{share:.2%} of {seen.total} requests were assigned to the candidate, {expected:.2%} expected",
    )


FINDERS: Final = (errors, latency, accuracy, broken, split)


def _absent(name: str, samples: int, missing: str) -> Finding:
    return Finding(name, "absent", samples=samples, text=f"nothing to say yet: waiting for {missing}")


def _compared(name: str, seen: Table, pair: Pair, margin: int, at: Levels, *, spread: float) -> Finding:
    """A rate against that of the other arm; its bounds are those of the odds ratio, at the other's rate."""
    ll = pair.likelihoods
    verdict = at.verdict(odds.above(ll, margin, spread), odds.below(ll, margin, spread))
    low, high = odds.bounds(ll, at.harm, spread)[0], odds.bounds(ll, at.hold, spread)[1]
    own, other = seen.hits / seen.trials, seen.other_hits / seen.other_trials
    return Finding(
        name,
        verdict,
        own,
        _shifted(other, low),
        _shifted(other, high),
        other,
        samples=seen.trials,
        fits=verdict != "harm",
        text=f"errors {own:.2%} of {seen.trials} requests, baseline {other:.2%} of {seen.other_trials}",
    )


def _shifted(share: float, ratio: float) -> float:
    """The rate whose odds are `ratio` times those of `share`."""
    if math.isinf(ratio) or share == 1:
        return 1.0
    return share * ratio / (1 - share + share * ratio)
