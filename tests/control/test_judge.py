"""What the judge says of evidence that leaves no doubt, and of evidence that is not there."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from modelport.control.judge import Arms, Judge, findings, fold
from modelport.control.judging.level import GUARDS, WEIGHTS, asked, harm_level
from modelport.core.deployment import Criteria, Terms
from modelport.core.evidence import Increment, Outcomes
from modelport.core.latency import bucket
from modelport.core.rollout import Finding

ARMS = Arms("churn:2", "churn:1", "churn:1~control", share=1000)
ALL = Terms(criteria=Criteria(accuracy=0.9, latency_p95=0.2, error_rate=0.01, degradation=0.05))


def outcomes(
    requests: int, faults: int = 0, *, broken: int = 0, wrong: int = 0, labels: int = 0, ms: float = 10.0
) -> Outcomes:
    times = Counter(bucket(int(ms * (1 + at % 20 / 10) * 1e6)) for at in range(requests))
    latencies = dict(sorted(times.items()))
    return Outcomes(requests, broken, requests, requests, faults, latencies, labels, labels - wrong)


def judged(candidate: Outcomes, *, terms: Terms = ALL, looks: int = 20) -> dict[str, Finding]:
    """Findings after as many looks at the same, beside a baseline with 1 % of errors and 8 % wrong labels."""
    judge = Judge()
    increment = Increment(
        {
            "churn:2": candidate,
            "churn:1": outcomes(800, 8, labels=800, wrong=64),
            "churn:1~control": outcomes(100, 1, labels=100, wrong=8),
        }
    )
    for _ in range(looks):
        judge = fold(judge, increment, ARMS, terms)
    return {found.name: found for found in findings(judge, terms)}


def test_a_candidate_like_its_baseline_shows_no_harm() -> None:
    found = judged(outcomes(100, 1, labels=100, wrong=8), looks=80)
    assert {name for name, each in found.items() if each.verdict in ("harm", "absent")} == set()
    assert all(each.fits for each in found.values())
    assert found["latency_p95"].verdict == "holds"
    assert found["accuracy_threshold"].verdict == "holds"


@pytest.mark.parametrize(
    ("candidate", "shown"),
    [
        (outcomes(100, 6), {"error_rate", "guard.errors"}),
        (outcomes(100, 1, ms=15.0), {"performance_degradation", "guard.latency"}),
        (outcomes(100, 1, ms=300.0), {"latency_p95", "performance_degradation", "guard.latency"}),
        (
            outcomes(100, 1, labels=100, wrong=20),
            {"accuracy_threshold", "performance_degradation", "guard.accuracy"},
        ),
        (outcomes(100, 1, broken=20), {"guard.broken"}),
        (outcomes(150, 1), {"guard.split"}),
    ],
)
def test_each_kind_of_harm_is_found_and_no_other(candidate: Outcomes, shown: set[str]) -> None:
    found = judged(candidate)
    assert {name for name, each in found.items() if each.verdict == "harm"} == shown


def test_a_candidate_that_answers_only_nan_is_found_by_its_first_requests() -> None:
    found = judged(outcomes(1, 1, broken=1), looks=4)
    assert found["guard.broken"].verdict == "harm"


def test_absent_evidence_is_said_and_never_good() -> None:
    found = {each.name: each for each in findings(Judge(), ALL)}
    assert {each.verdict for each in found.values()} == {"absent"}
    assert all(each.text for each in found.values())
    without_labels = judged(outcomes(100, 1))
    assert without_labels["accuracy_threshold"].verdict == "absent"
    assert "feedback" in without_labels["accuracy_threshold"].text


def test_without_a_baseline_only_the_candidates_own_limits_are_judged() -> None:
    judge = fold(Judge(), Increment({"churn:1": outcomes(500, 200)}), Arms("churn:1"), ALL)
    found = {each.name: each for each in findings(judge, ALL)}
    assert found["error_rate"].verdict == "harm"
    assert found["guard.errors"].verdict == "absent"


def test_slots_that_are_not_compared_leave_no_trace() -> None:
    increment = Increment({"churn:7": outcomes(100, 100)})
    assert fold(Judge(), increment, ARMS, ALL) == Judge()


def test_only_what_is_asked_is_told_before_the_guards() -> None:
    terms = Terms(criteria=Criteria(error_rate=0.01))
    names = [each.name for each in findings(Judge(), terms)]
    assert names[0] == "error_rate"
    assert set(names[1:]) == set(GUARDS)


def test_a_judge_is_a_value_that_can_be_stored() -> None:
    judge = fold(Judge(), Increment({"churn:2": outcomes(50, 2), "churn:1": outcomes(400, 3)}), ARMS, ALL)
    stored = msgspec.json.encode(judge)
    assert msgspec.json.decode(stored, type=Judge) == judge
    assert len(stored) < 32_000


def test_the_error_level_is_shared_out_and_not_more() -> None:
    parts = [harm_level(name, ALL) for name in (*asked(ALL.criteria), *GUARDS)]
    assert sum(parts) == pytest.approx(ALL.error_level)
    assert set(WEIGHTS) == {*asked(ALL.criteria), *GUARDS}


def test_a_small_worsening_is_shown_to_be_within_what_is_allowed() -> None:
    terms = Terms(criteria=Criteria(degradation=0.2))
    early = judged(outcomes(100, 1, labels=100, wrong=8), terms=terms, looks=2)["performance_degradation"]
    late = judged(outcomes(100, 1, labels=100, wrong=8), terms=terms, looks=60)["performance_degradation"]
    assert early.verdict == "open"
    assert early.needed is not None
    assert late.verdict == "holds"
    assert late.needed == 0


def test_a_correction_changes_the_counts_and_is_no_new_evidence_of_the_comparison() -> None:
    """The bet of a comparison was made with what was known; the counts are those that are known now."""
    fed = {"churn:2": outcomes(100, labels=100, wrong=8), "churn:1": outcomes(800, labels=800, wrong=64)}
    before = fold(Judge(), Increment(fed), ARMS, ALL)
    after = fold(before, Increment({"churn:2": Outcomes(amended=-12)}), ARMS, ALL)
    found = {each.name: each for each in findings(after, ALL)}
    assert found["accuracy_threshold"].estimate == pytest.approx(0.8)
    assert found["guard.accuracy"].estimate == pytest.approx(0.8)
    assert after.accuracy == before.accuracy
    assert not found["accuracy_threshold"].fits


def test_corrections_of_labels_that_were_counted_before_make_no_more_wrong_than_there_are() -> None:
    judge = fold(Judge(), Increment({"churn:2": Outcomes(labels=2, right=1, amended=-5)}), ARMS, ALL)
    [found] = [each for each in findings(judge, ALL) if each.name == "accuracy_threshold"]
    assert (found.estimate, found.samples) == (0.0, 2)


@pytest.mark.parametrize("name", ["error_rate", "guard.errors"])
def test_a_higher_error_level_decides_sooner(name: str) -> None:
    def looks(level: float) -> int:
        terms = msgspec.structs.replace(ALL, error_level=level)
        bad = outcomes(100, 4)
        return next(at for at in range(1, 60) if judged(bad, terms=terms, looks=at)[name].verdict == "harm")

    assert looks(0.2) < looks(0.01) < looks(0.0001)
