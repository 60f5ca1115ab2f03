"""What the evidence says about each limit that a candidate itself has to keep."""

from __future__ import annotations

from modelport.control.judging.sight import P95, Levels, Sight, finite, levels, milliseconds, of_right
from modelport.control.statistics import odds, quantile, rate
from modelport.core.rollout import Finding


def error_rate(sight: Sight) -> Finding:
    """Faults among the trials against the most that are allowed."""
    limit = sight.terms.criteria.error_rate
    assert limit is not None
    seen = sight.candidate
    if not seen.trials:
        return Finding("error_rate", "absent", limit=limit, text="no request of the candidate has ended yet")
    at = levels("error_rate", sight.terms)
    return _limited("error_rate", seen.trials, seen.faults, limit, at, spread=odds.MIDDLE)


def accuracy_threshold(sight: Sight) -> Finding:
    """Right predictions among those whose truth is known against the fewest that are allowed."""
    limit = sight.terms.criteria.accuracy
    assert limit is not None
    seen = sight.candidate
    if not seen.labels:
        text = "no feedback on the candidate's predictions yet: send it to judge accuracy"
        return Finding("accuracy_threshold", "absent", limit=limit, text=text)
    wrong = seen.labels - seen.correct
    at = levels("accuracy_threshold", sight.terms)
    return of_right(
        _limited("accuracy_threshold", seen.labels, wrong, 1 - limit, at, spread=odds.NEAR), limit, "at least"
    )


def latency_p95(sight: Sight) -> Finding:
    """The 95th percentile against the longest that is allowed: 5 % may take longer."""
    limit = sight.terms.criteria.latency_p95
    assert limit is not None
    found = sight.candidate.latencies
    trials, tail = quantile.size(found), 1 - P95
    if not trials:
        text = "no latency of the candidate yet (answers from the cache are none)"
        return Finding("latency_p95", "absent", limit=limit, text=text)
    over = quantile.exceeding(found, quantile.surely_above(limit))
    maybe = quantile.exceeding(found, quantile.maybe_above(limit))
    at = levels("latency_p95", sight.terms)
    verdict = at.verdict(rate.beyond(trials, over, tail), rate.within(trials, maybe, tail))
    estimate = quantile.value(found, P95)
    low, high = quantile.bounds(found, P95, at.harm, at.hold)
    assert estimate is not None
    between = f"[{milliseconds(low)}, {milliseconds(high)}]"
    return Finding(
        "latency_p95",
        verdict,
        estimate,
        low,
        finite(high),
        limit,
        samples=trials,
        fits=estimate <= limit,
        needed=0 if verdict == "holds" else rate.needed(trials, maybe, tail, at.hold),
        text=f"p95 {milliseconds(estimate)} {between} of {trials} requests, at most {milliseconds(limit)}",
    )


def _limited(name: str, trials: int, hits: int, limit: float, at: Levels, *, spread: float) -> Finding:
    """A rate against the most that is allowed."""
    harm, hold = rate.beyond(trials, hits, limit, spread), rate.within(trials, hits, limit, spread)
    verdict = at.verdict(harm, hold)
    low, high = rate.bounds(trials, hits, at.harm, at.hold, spread)
    return Finding(
        name,
        verdict,
        hits / trials,
        low,
        high,
        limit,
        samples=trials,
        fits=hits <= limit * trials,
        needed=0 if verdict == "holds" else rate.needed(trials, hits, limit, at.hold, spread),
        text=f"errors {hits / trials:.2%} [{low:.2%}, {high:.2%}] of {trials} requests, at most {limit:.2%}",
    )
