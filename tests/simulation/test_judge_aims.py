"""How soon the judge sees harm, how seldom it sees some where there is none; seeded streams, a look a batch.

The short forms here draw few rollouts; the full ones are marked `slow` and print what they measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.judges.streams import Arm, Stream, Traffic
from benchmarks.judges.trial import Said, first, ours

from modelport.core.deployment import Criteria, Terms
from modelport.core.rollout import Verdict

AS_EVER = Arm()
DEFAULT = Terms()
PLAIN = Traffic(labelled=0.0)
LABELLED = Traffic(requests=60_000, late=0.5, delay=20)

COUNTS = [
    pytest.param(40, id="short"),
    pytest.param(1000, id="full", marks=pytest.mark.slow),
]


def rollouts(
    count: int,
    candidate: Arm,
    traffic: Traffic,
    terms: Terms = DEFAULT,
    *,
    verdict: Verdict = "harm",
    names: tuple[str, ...] = (),
) -> list[Said | None]:
    """What is said first in as many rollouts beside a baseline that is as ever."""
    seeds = (np.random.default_rng([2026, at]) for at in range(count))
    return [first(Stream(rng, candidate, AS_EVER, traffic), ours(terms, verdict, names)) for rng in seeds]


def median(what: str, numbers: Iterable[float]) -> float:
    found = float(np.median(list(numbers)))
    print(f"{what}: median {found:.0f}")
    return found


def requests(said: Iterable[Said | None]) -> list[float]:
    return [each.requests if each else math.inf for each in said]


def labels(said: Iterable[Said | None]) -> list[float]:
    return [each.labels if each else math.inf for each in said]


@pytest.mark.parametrize("count", COUNTS)
def test_six_times_the_errors_of_the_baseline_are_seen_within_300_requests(count: int) -> None:
    said = rollouts(count, replace(AS_EVER, errors=0.03), PLAIN)
    assert median("errors 0.5 % -> 3 %, requests of the candidate", requests(said)) <= 300


@pytest.mark.parametrize("count", COUNTS)
def test_latencies_half_as_long_again_are_seen_within_200_requests(count: int) -> None:
    said = rollouts(count, replace(AS_EVER, median=0.03), PLAIN)
    assert median("latency x 1.5, requests of the candidate", requests(said)) <= 200


@pytest.mark.parametrize("count", COUNTS)
def test_an_accuracy_five_points_lower_is_seen_within_700_labels_half_of_them_late(count: int) -> None:
    said = rollouts(count, replace(AS_EVER, wrong=0.13), LABELLED)
    assert median("accuracy 92 % -> 87 %, labels of the candidate", labels(said)) <= 700


def wald(rate: float, limit: float, rounds: int = 4000, most: int = 8000) -> float:
    """Median trials of the best test there is at 1 %, which knows the rate beforehand (Wald 1945)."""
    rng = np.random.default_rng(1945)
    hit, miss = math.log(rate / limit), math.log((1 - rate) / (1 - limit))
    trials = np.full(rounds, most)
    evidence = np.zeros(rounds)
    for at in range(1, most):
        evidence += np.where(rng.random(rounds) < rate, hit, miss)
        trials[(evidence >= math.log(100)) & (trials == most)] = at
    return median(f"optimum for {rate:.1%} against {limit:.1%}", trials)


@pytest.mark.parametrize("count", COUNTS)
def test_an_error_limit_that_is_broken_is_seen_within_half_more_than_the_optimum(count: int) -> None:
    terms = Terms(criteria=Criteria(error_rate=0.01))
    said = rollouts(count, replace(AS_EVER, errors=0.03), PLAIN, terms, names=("error_rate",))
    assert median("3 % against < 1 %", requests(said)) <= 1.5 * wald(0.03, 0.01)


@pytest.mark.slow
def test_an_accuracy_limit_that_is_broken_is_seen_within_half_more_than_the_optimum() -> None:
    terms = Terms(criteria=Criteria(accuracy=0.9))
    traffic = Traffic(requests=60_000)
    said = rollouts(400, replace(AS_EVER, wrong=0.13), traffic, terms, names=("accuracy_threshold",))
    assert median("87 % against 0.9", labels(said)) <= 1.5 * wald(0.13, 0.10)


@pytest.mark.parametrize(
    "count", [pytest.param(15, id="short"), pytest.param(400, id="full", marks=pytest.mark.slow)]
)
def test_a_good_canary_is_proven_within_half_more_than_the_optimum(count: int) -> None:
    terms = Terms(criteria=Criteria(error_rate=0.01), require="proven")
    traffic = replace(PLAIN, requests=60_000)
    said = rollouts(
        count, replace(AS_EVER, errors=0.003), traffic, terms, verdict="holds", names=("error_rate",)
    )
    assert median("0.3 % proven against < 1 %", requests(said)) <= 1.5 * wald(0.003, 0.01)


@pytest.mark.parametrize(
    "count", [pytest.param(15, id="short"), pytest.param(200, id="full", marks=pytest.mark.slow)]
)
def test_a_good_canary_may_be_promoted_at_its_least_requests(count: int) -> None:
    """Under `not_worse`: 500 requests, no harm shown, every criterion's estimate within its limit."""
    terms = Terms(criteria=Criteria(error_rate=0.01))
    traffic = replace(PLAIN, requests=terms.min_requests * 10)
    said = rollouts(count, replace(AS_EVER, errors=0.003), traffic, terms)
    assert sum(each is not None for each in said) <= 0.01 * count


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
    few = replace(traffic, requests=6_000)
    said = rollouts(6, AS_EVER, few, terms)
    assert [each for each in said if each] == []


@pytest.mark.slow
@pytest.mark.parametrize("traffic", UNEVEN.values(), ids=UNEVEN.keys())
def test_false_harm_stays_below_the_error_level_whatever_both_arms_suffer(traffic: Traffic) -> None:
    said = rollouts(500, AS_EVER, replace(traffic, requests=10_000))
    blamed = [each for each in said if each]
    print(f"false harm: {len(blamed)} of 500 {[each.names for each in blamed]}")
    assert len(blamed) <= 12  # an error level of 1 % gives more with a chance below 0.2 %


@pytest.mark.slow
def test_two_thousand_equal_pairs_are_told_apart_in_at_most_one_of_a_hundred() -> None:
    """20,000 requests each, a look at every 100: at the default setting."""
    said = rollouts(2000, AS_EVER, Traffic())
    blamed = [each for each in said if each]
    print(f"false harm: {len(blamed)} of 2000 {[each.names for each in blamed]}")
    assert len(blamed) <= 20
