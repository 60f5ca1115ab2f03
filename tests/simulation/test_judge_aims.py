"""How soon the judge sees harm, how seldom it sees some where there is none; seeded streams, a look a batch.

The short forms here draw few rollouts; the full ones are marked `slow` and print what they measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from benchmarks.judges.streams import Arm, Stream, Traffic
from benchmarks.judges.trial import ARMS, Said, first, optimum, ours

from modelport.control.judge import Judge, findings, fold
from modelport.core.deployment import Criteria, Terms
from modelport.core.evidence import Outcomes

AS_EVER = Arm()
PLAIN = Traffic(labelled=0.0)
LABELLED = Traffic(requests=60_000, late=0.5, delay=20)

DRAWN = [
    pytest.param(20, 1.25, id="short"),  # few rollouts leave their median uncertain by a quarter
    pytest.param(1000, 1.0, id="full", marks=pytest.mark.slow),
]


def streams(count: int, candidate: Arm, traffic: Traffic) -> Iterator[Stream]:
    """As many rollouts of a candidate beside a baseline that is as ever."""
    for at in range(count):
        yield Stream(np.random.default_rng([2026, at]), candidate, AS_EVER, traffic)


def median(what: str, numbers: Iterable[float]) -> float:
    found = float(np.median(list(numbers)))
    print(f"{what}: median {found:.0f}")
    return found


def requests(said: Iterable[Said | None]) -> list[float]:
    return [each.requests if each else math.inf for each in said]


def labels(said: Iterable[Said | None]) -> list[float]:
    return [each.labels if each else math.inf for each in said]


def faults(seen: Outcomes) -> tuple[int, int]:
    return seen.trials, seen.faults


def wrong(seen: Outcomes) -> tuple[int, int]:
    return seen.labels, seen.labels - seen.right


@pytest.mark.parametrize(("count", "slack"), DRAWN)
def test_six_times_the_errors_of_the_baseline_are_seen_within_300_requests(count: int, slack: float) -> None:
    rollouts = streams(count, replace(AS_EVER, errors=0.03), PLAIN)
    said = [first(each, ours(Terms())) for each in rollouts]
    assert median("errors 0.5 % -> 3 %, requests of the candidate", requests(said)) <= 300 * slack


@pytest.mark.parametrize(("count", "slack"), DRAWN)
def test_latencies_half_as_long_again_are_seen_within_200_requests(count: int, slack: float) -> None:
    rollouts = streams(count, replace(AS_EVER, median=0.03), PLAIN)
    said = [first(each, ours(Terms())) for each in rollouts]
    assert median("latency x 1.5, requests of the candidate", requests(said)) <= 200 * slack


@pytest.mark.parametrize(
    ("count", "slack"),
    [pytest.param(8, 1.5, id="short"), pytest.param(1000, 1.0, id="full", marks=pytest.mark.slow)],
)
def test_an_accuracy_five_points_lower_is_seen_within_700_labels_half_of_them_late(
    count: int, slack: float
) -> None:
    rollouts = streams(count, replace(AS_EVER, wrong=0.13), LABELLED)
    said = [first(each, ours(Terms())) for each in rollouts]
    assert median("accuracy 92 % -> 87 %, labels of the candidate", labels(said)) <= 700 * slack


@pytest.mark.parametrize(
    ("count", "slack"),
    [pytest.param(10, 1.5, id="short"), pytest.param(1000, 1.0, id="full", marks=pytest.mark.slow)],
)
def test_an_error_limit_that_is_broken_is_seen_within_half_more_than_the_optimum(
    count: int, slack: float
) -> None:
    terms = Terms(criteria=Criteria(error_rate=0.01))
    broken = replace(AS_EVER, errors=0.03)
    said = [first(each, ours(terms, names=("error_rate",))) for each in streams(count, broken, PLAIN)]
    best = [first(each, optimum(faults, 0.03, 0.01, 0.01)) for each in streams(count, broken, PLAIN)]
    least = median("optimum", requests(best))
    assert median("3 % against < 1 %", requests(said)) <= 1.5 * slack * least


@pytest.mark.slow
def test_an_accuracy_limit_that_is_broken_is_seen_within_half_more_than_the_optimum() -> None:
    terms = Terms(criteria=Criteria(accuracy=0.9))
    broken, traffic = replace(AS_EVER, wrong=0.13), Traffic(requests=60_000)
    said = [first(each, ours(terms, names=("accuracy_threshold",))) for each in streams(400, broken, traffic)]
    best = [first(each, optimum(wrong, 0.13, 0.10, 0.01)) for each in streams(400, broken, traffic)]
    least = median("optimum", labels(best))
    assert median("87 % against 0.9", labels(said)) <= 1.5 * least


@pytest.mark.parametrize(
    ("count", "slack"),
    [pytest.param(3, 1.5, id="short"), pytest.param(400, 1.0, id="full", marks=pytest.mark.slow)],
)
def test_a_good_canary_is_proven_within_half_more_than_the_optimum(count: int, slack: float) -> None:
    terms = Terms(criteria=Criteria(error_rate=0.01), require="proven")
    good, traffic = replace(AS_EVER, errors=0.003), replace(PLAIN, requests=60_000)
    judge = partial(ours, terms, "holds", ("error_rate",))
    said = [first(each, judge()) for each in streams(count, good, traffic)]
    best = [first(each, optimum(faults, 0.003, 0.01, 0.01)) for each in streams(count, good, traffic)]
    least = median("optimum", requests(best))
    assert median("0.3 % proven against < 1 %", requests(said)) <= 1.5 * slack * least


@pytest.mark.parametrize(
    "count", [pytest.param(5, id="short"), pytest.param(200, id="full", marks=pytest.mark.slow)]
)
def test_a_good_canary_may_be_promoted_at_its_least_requests(count: int) -> None:
    """Under `not_worse`: 500 requests, no harm shown, the estimate within its limit."""
    terms = Terms(criteria=Criteria(error_rate=0.01))
    traffic = replace(PLAIN, requests=terms.min_requests * 10)
    fitting = 0
    for each in streams(count, replace(AS_EVER, errors=0.003), traffic):
        judge = Judge()
        for increment in each:
            judge = fold(judge, increment, ARMS, terms)
        found = findings(judge, terms)
        fitting += all(one.fits and one.verdict != "harm" for one in found)
    print(f"promoted at {terms.min_requests} requests: {fitting} of {count}")
    assert fitting >= 0.95 * count


UNEVEN = {
    "steady": Traffic(),
    "the base rate drifts to the sixfold": Traffic(errors=lambda when: 1 + 5 * when),
    "bursts of faults": Traffic(errors=lambda when: 40.0 if int(when * 40) % 8 == 3 else 1.0),
    "a slow hour": Traffic(latency=lambda when: 4.0 if 0.4 < when < 0.6 else 1.0),
    "latency drifts": Traffic(latency=lambda when: 1 + 2 * when),
    "traffic swells and ebbs": Traffic(volume=lambda when: 1 + 0.9 * math.sin(25 * when)),
    "faults are retried": Traffic(retries=3, errors=lambda when: 10.0 if int(when * 40) % 8 == 3 else 1.0),
    "labels come late": Traffic(late=0.5, delay=30),
}
EVERY = Terms(criteria=Criteria(accuracy=0.85, latency_p95=0.5, error_rate=0.2, degradation=0.05))


@pytest.mark.parametrize("traffic", UNEVEN.values(), ids=UNEVEN.keys())
@pytest.mark.parametrize("terms", [Terms(), EVERY], ids=["guards", "criteria"])
def test_a_candidate_like_its_baseline_is_seldom_blamed(traffic: Traffic, terms: Terms) -> None:
    """Short form of the next: whatever happens to both arms alike."""
    rollouts = streams(1, AS_EVER, replace(traffic, requests=3_000))
    assert [first(each, ours(terms)) for each in rollouts] == [None]


@pytest.mark.slow
@pytest.mark.parametrize("traffic", UNEVEN.values(), ids=UNEVEN.keys())
def test_false_harm_stays_below_the_error_level_whatever_both_arms_suffer(traffic: Traffic) -> None:
    rollouts = streams(500, AS_EVER, replace(traffic, requests=10_000))
    blamed = [said for said in (first(each, ours(Terms())) for each in rollouts) if said]
    print(f"false harm: {len(blamed)} of 500 {[each.names for each in blamed]}")
    assert len(blamed) <= 12  # an error level of 1 % gives more with a chance below 0.2 %


@pytest.mark.slow
def test_two_thousand_equal_pairs_are_told_apart_in_at_most_one_of_a_hundred() -> None:
    """20,000 requests each, a look at every 100: at the default setting."""
    said = (first(each, ours(Terms())) for each in streams(2000, AS_EVER, Traffic()))
    blamed = [each for each in said if each]
    print(f"false harm: {len(blamed)} of 2000 {[each.names for each in blamed]}")
    assert len(blamed) <= 20
