"""What the words of a `deployment` do: from the text that people write to what becomes of a rollout."""

from __future__ import annotations

import pytest
from tests.control.documents.registered import CHURN
from tests.simulation.fleet import GOOD, Behaviour
from tests.simulation.loop import Loop

from modelport.control.documents import read, resolve
from modelport.core.deployment import DeploymentSpec

CANARY = "strategy: canary, version: 2, canary_percentage: 10"
SPLIT = "strategy: blue_green, traffic_split: {v1: 0.3, v2: 0.7}"


def wanted(words: str, terms: str = "min_requests: 60, min_duration: 5s") -> DeploymentSpec:
    text = f"deployment: {{model: churn, {words}, {terms}, keep_warm: 5s, max_duration: 20m}}"
    [asked] = resolve(read(text), CHURN)
    assert isinstance(asked.resolved, DeploymentSpec)
    return asked.resolved


def seen(loop: Loop, name: str) -> str:
    """The verdict about a criterion at the last look."""
    return next(each.verdict for each in loop.stored.evidence.findings if each.name == name)


@pytest.mark.parametrize(
    ("criterion", "both"),
    [
        ("error_rate: '< 1%'", Behaviour(errors=0.06)),
        ("latency_p95: 200ms", Behaviour(median=0.15)),
        ("accuracy_threshold: 0.9", Behaviour(wrong=0.25, labelled=1.0)),
    ],
    ids=["error_rate", "latency_p95", "accuracy_threshold"],
)
def test_a_limit_sends_a_candidate_back_that_is_no_worse_than_its_baseline(
    criterion: str, both: Behaviour
) -> None:
    """The same candidate is promoted where that limit is not asked for."""
    behaviours = {1: both, 2: both}
    limited = Loop(wanted(f"{CANARY}, promotion_criteria: {{{criterion}}}"), behaviours)
    limited.until("rolled_back", within=400)
    assert criterion.partition(":")[0] in limited.rollout.reason
    Loop(wanted(CANARY), behaviours).until("promoted", within=400)


@pytest.mark.parametrize("key", ["promotion_criteria", "success_criteria"])
def test_a_worsening_beyond_what_is_allowed_is_not_promoted(key: str) -> None:
    behaviours = {1: Behaviour(median=0.02), 2: Behaviour(median=0.0218)}
    strict = Loop(wanted(f"{SPLIT}, {key}: {{performance_degradation: '< 1%'}}"), behaviours)
    strict.run(60)
    assert strict.rollout.phase in ("judging", "rolled_back")
    assert "performance_degradation" in strict.rollout.reason
    lenient = Loop(wanted(f"{SPLIT}, {key}: {{performance_degradation: '< 30%'}}"), behaviours)
    lenient.until("promoted", within=60)


def test_a_split_is_as_it_is_written_until_green_has_all() -> None:
    loop = Loop(wanted(SPLIT))
    loop.until("judging", within=30)
    assert loop.shares == {1: 3_000, 2: 7_000}
    loop.until("promoted", within=60)
    assert loop.shares == {2: 10_000}


def test_a_percentage_and_steps_are_the_shares_that_a_candidate_gets() -> None:
    for words, shares in (
        (CANARY, [1_000, 10_000]),
        ("strategy: canary, version: 2, steps: [5, 40, 100]", [500, 4_000, 10_000]),
    ):
        loop = Loop(wanted(words))
        loop.until("promoted", within=300)
        decided = [each.shares for each in loop.stored.decisions[1:]]
        assert [each[2] for each in decided] == shares


def test_no_candidate_goes_on_before_its_least_requests_and_its_least_time() -> None:
    for terms, least in (
        ("min_requests: 400, min_duration: 1s", 75),
        ("min_requests: 10, min_duration: 50s", 50),
    ):
        loop = Loop(wanted(CANARY, terms))
        loop.until("judging", within=30)
        assert least <= loop.run(200, lambda loop: loop.rollout.phase == "promoted") < least + 25


def test_proven_takes_more_evidence_than_not_worse() -> None:
    words = f"{SPLIT}, promotion_criteria: {{error_rate: '< 2%'}}"

    def needed(words: str) -> int:
        loop = Loop(wanted(words), {2: Behaviour(errors=0.001)})
        loop.until("promoted", within=300)
        assert seen(loop, "error_rate") == ("holds" if "proven" in words else "open")
        return loop.stored.decisions[-1].requests

    assert needed(words) < needed(f"{words}, require: proven")


def test_an_experiment_is_decided_only_where_it_is_said() -> None:
    words = "strategy: ab, traffic_split: {v1: 50, v2: 50}"
    behaviours = {1: Behaviour(wrong=0.3, labelled=1.0), 2: Behaviour(wrong=0.05, labelled=1.0)}
    decided = Loop(wanted(f"{words}, decide: true"), behaviours)
    decided.until("promoted", within=60)
    left = Loop(wanted(words, "on_timeout: hold"), behaviours)
    left.run(60)
    assert left.rollout.phase == "judging"


def test_a_shadow_repeats_its_share_and_answers_nobody() -> None:
    loop = Loop(wanted("strategy: shadow, version: 2, share: 20%"))
    loop.until("judging", within=30)
    loop.run(40)
    assert loop.shares == {1: 10_000}
    judge = loop.stored.evidence.judge
    assert 0.1 < judge.candidate.requests / judge.baseline.requests < 0.3


def test_the_former_version_is_kept_for_as_long_as_it_is_said() -> None:
    loop = Loop(wanted(f"{CANARY.replace('10', '50')}"), {2: GOOD})
    loop.until("promoted", within=60)
    assert 5 <= loop.run(60, lambda loop: loop.rollout.phase == "ended") <= 7
