"""How much worse than the baseline a candidate is at the same time: p95 latency, and accuracy where known."""

from __future__ import annotations

import msgspec

from modelport.control.judging.sight import P95, Levels, Sight, Within, levels, milliseconds
from modelport.control.statistics import odds, quantile, rate
from modelport.control.statistics.tails import Question
from modelport.core.deployment import Terms
from modelport.core.rollout import Finding, Verdict

NAME = "performance_degradation"


def questions(terms: Terms) -> tuple[Question, ...]:
    """What has to be counted: whether p95 is longer than allowed, and whether it is shorter."""
    allowed = terms.criteria.degradation
    if allowed is None:
        return ()
    return Question(P95, 1 + allowed), Question(P95, 1 + allowed, harm=False)


def performance_degradation(sight: Sight) -> Finding:
    """The worse of p95 latency and accuracy, each against the baseline at the same time."""
    limit = sight.terms.criteria.degradation
    assert limit is not None
    parts = [part for part in (_latency(sight, limit), _accuracy(sight, limit)) if part is not None]
    if not parts:
        text = "nothing to compare yet: neither latencies nor labels of both versions"
        return Finding(NAME, "absent", limit=limit, text=text)
    worst = max(parts, key=lambda part: (part.verdict == "harm", part.estimate or 0.0))
    known = [part.needed for part in parts if part.needed is not None]
    return msgspec.structs.replace(
        worst,
        verdict=_together([part.verdict for part in parts]),
        fits=all(part.fits for part in parts),
        needed=max(known) if len(known) == len(parts) else None,
        text="; ".join(part.text for part in parts),
    )


def _together(verdicts: list[Verdict]) -> Verdict:
    """Harm when one shows it; holds when all do."""
    if "harm" in verdicts:
        return "harm"
    return "holds" if set(verdicts) == {"holds"} else "open"


def _levels(sight: Sight) -> Levels:
    """Both parts can show harm, and share its level; both have to hold, so neither shares that."""
    whole = levels(NAME, sight.terms)
    return Levels(whole.harm / 2, whole.hold)


def _latency(sight: Sight, limit: float) -> Finding | None:
    own, other = (quantile.value(arm.latencies, P95) for arm in (sight.candidate, sight.control))
    if own is None or other is None:
        return None
    slower, within = (sight.latency.pair(each).likelihoods for each in questions(sight.terms))
    at, samples = _levels(sight), quantile.size(sight.candidate.latencies)
    verdict = at.verdict(odds.above(slower), odds.below(within))
    worse = own / other - 1
    return Finding(
        NAME,
        verdict,
        worse,
        limit=limit,
        samples=samples,
        fits=worse <= limit,
        needed=Within(odds.EVEN, at.hold, odds.MIDDLE).needed(verdict, within, samples),
        text=f"p95 {milliseconds(own)} against {milliseconds(other)} ({worse:+.1%}, at most {limit:+.1%})",
    )


def _accuracy(sight: Sight, limit: float) -> Finding | None:
    """Which odds of a wrong label are allowed depends on the baseline's accuracy: the worst of its bounds."""
    mine, theirs = sight.candidate, sight.baseline
    if not mine.labels or not theirs.correct:
        return None
    at, about = _levels(sight).times(0.9), _levels(sight).times(0.1)
    low, high = rate.bounds(theirs.labels, theirs.correct, about.hold, about.harm)
    ll = sight.accuracy.likelihoods
    most, least = odds.index_up(_allowed(high, limit)), odds.index_down(_allowed(low, limit))
    verdict = at.verdict(odds.above(ll, most, odds.NEAR), odds.below(ll, least, odds.NEAR))
    own, other = mine.correct / mine.labels, theirs.correct / theirs.labels
    worse = 1 - own / other
    return Finding(
        NAME,
        verdict,
        worse,
        limit=limit,
        samples=mine.labels,
        fits=worse <= limit,
        needed=Within(least, at.hold, odds.NEAR).needed(verdict, ll, mine.labels),
        text=f"accuracy {own:.2%} against {other:.2%} ({-worse:+.1%}, at most {-limit:+.1%})",
    )


def _allowed(accuracy: float, worsening: float) -> float:
    """Odds ratio of a wrong label at which accuracy is worse by just `worsening`."""
    rest = (1 - worsening) * accuracy
    return (1 - rest) * accuracy / (rest * (1 - accuracy)) if 0 < accuracy < 1 and rest else float("inf")
