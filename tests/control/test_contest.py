"""Several arms: a bad one in the middle is found, and the best is named only when it is shown."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from modelport.control import contest
from modelport.control.contest import Contest
from modelport.core.deployment import Arm, DeploymentSpec
from modelport.core.evidence import Increment, Outcomes
from modelport.core.rollout import Finding, Rollout

SPEC = DeploymentSpec("churn", "ab", 3, arms=(Arm(1, 4_000), Arm(2, 3_000), Arm(3, 3_000)), decide=True)
ROLLOUT = Rollout("r1", SPEC, 1, 1, "judging")


def experiment(
    accuracy: dict[int, float], errors: dict[int, float], *, rounds: int, seed: int = 1, labels: bool = True
) -> Contest:
    """An experiment of `rounds` increments of 100 requests for each arm."""
    random, state = np.random.default_rng(seed), Contest()
    for _ in range(rounds):
        slots = {f"churn:{v}": outcomes(random, accuracy[v], errors[v], labels=labels) for v in (1, 2, 3)}
        state = contest.fold(state, Increment(slots), ROLLOUT, known=False)
    return state


def outcomes(random: np.random.Generator, accuracy: float, errors: float, *, labels: bool) -> Outcomes:
    faults, right = int(random.binomial(100, errors)), int(random.binomial(100, accuracy))
    known = (100, right) if labels else (0, 0)
    return Outcomes(100, 0, 100, 100, faults, {}, *known)


def best(state: Contest) -> dict[int | None, Finding]:
    return {found.version: found for found in contest.findings(state, ROLLOUT) if found.name == "best"}


EVEN = dict.fromkeys((1, 2, 3), 0.005)


def test_the_best_arm_is_named_once_it_is_shown_to_be_better_than_every_other() -> None:
    state = experiment({1: 0.85, 2: 0.93, 3: 0.88}, EVEN, rounds=60)
    found = best(state)
    assert {version for version, each in found.items() if each.verdict == "holds"} == {2}
    assert found[2].text.startswith("accuracy 9")
    assert "of version 1, " in found[2].text


def test_without_labels_faults_decide() -> None:
    state = experiment({1: 0, 2: 0, 3: 0}, {1: 0.05, 2: 0.04, 3: 0.005}, rounds=60, labels=False)
    assert {version for version, each in best(state).items() if each.verdict == "holds"} == {3}


def test_arms_that_are_alike_have_no_winner_however_long_one_looks() -> None:
    for seed in range(10):
        state = experiment(dict.fromkeys((1, 2, 3), 0.9), EVEN, rounds=60, seed=seed)
        assert "holds" not in {each.verdict for each in best(state).values()}


def test_a_bad_arm_in_the_middle_is_found_by_a_guard_of_its_own() -> None:
    state = experiment(dict.fromkeys((1, 2, 3), 0.9), {1: 0.005, 2: 0.2, 3: 0.005}, rounds=5)
    harmed = [found for found in contest.findings(state, ROLLOUT) if found.verdict == "harm"]
    assert {found.version for found in harmed} == {2}
    assert "guard.errors" in {found.name for found in harmed}


def test_the_error_level_is_shared_by_the_arms() -> None:
    assert contest.shared(SPEC).error_level == pytest.approx(0.005)
    two = replace(SPEC, arms=SPEC.arms[:2])
    assert contest.shared(two).error_level == two.terms.error_level


def test_a_contest_is_a_value_that_survives_being_stored() -> None:
    state = experiment({1: 0.85, 2: 0.93, 3: 0.88}, EVEN, rounds=3)
    again = msgspec.json.decode(msgspec.json.encode(state), type=Contest)
    assert contest.findings(again, ROLLOUT) == contest.findings(state, ROLLOUT)


def test_nothing_is_contested_by_other_strategies() -> None:
    canary = replace(ROLLOUT, spec=DeploymentSpec("churn", "canary", 2, steps=(10_000,)))
    assert contest.fold(Contest(), Increment({}), canary, known=True) == Contest()
    assert contest.findings(Contest(), canary) == ()
