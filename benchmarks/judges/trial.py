"""One rollout under a judge, until it says something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchmarks.judges.streams import BASELINE, CANDIDATE, CONTROL
from modelport.control.judge import Arms, Judge, findings, fold
from modelport.core.deployment import Terms
from modelport.core.evidence import Increment, Outcomes
from modelport.core.rollout import Verdict

ARMS = Arms(CANDIDATE, BASELINE, CONTROL, share=1000)

Look = Callable[[Increment], tuple[str, ...]]
"""A judge at work: given one more increment, what it says now; nothing while it has nothing to say."""


class Said(NamedTuple):
    """What was said first, and what the candidate had had by then."""

    names: tuple[str, ...]
    requests: int
    labels: int


def first(stream: Iterable[Increment], look: Look) -> Said | None:
    """What a judge says first; None when it never says anything."""
    requests = labels = 0
    for increment in stream:
        requests += increment.slots[CANDIDATE].requests
        labels += increment.slots[CANDIDATE].labels
        if names := look(increment):
            return Said(names, requests, labels)
    return None


def ours(terms: Terms, verdict: Verdict = "harm", names: tuple[str, ...] = ()) -> Look:
    """The judge of this project; it says the findings (all, or these) that have the verdict."""
    judge = Judge()

    def look(increment: Increment) -> tuple[str, ...]:
        nonlocal judge
        judge = fold(judge, increment, ARMS, terms)
        found = findings(judge, terms)
        return tuple(
            each.name for each in found if each.verdict == verdict and (not names or each.name in names)
        )

    return look


def optimum(count: Callable[[Outcomes], tuple[int, int]], rate: float, limit: float, level: float) -> Look:
    """The best sequential test of `limit` at `level` there is when the rate is known beforehand (Wald 1945).

    `count` takes trials and hits from what the candidate did. No judge knows the rate; it is the measure.
    """
    hit, miss = math.log(rate / limit), math.log((1 - rate) / (1 - limit))
    evidence = 0.0

    def look(increment: Increment) -> tuple[str, ...]:
        nonlocal evidence
        trials, hits = count(increment.of(CANDIDATE))
        evidence += hits * hit + (trials - hits) * miss
        return ("shown",) if evidence >= -math.log(level) else ()

    return look
