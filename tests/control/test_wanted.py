"""What is wanted next, when a person or an alias names another version."""

from __future__ import annotations

from msgspec.structs import replace

from modelport.control import wanted
from modelport.core.deployment import Arm, Deployment, DeploymentSpec

GREEN = DeploymentSpec("churn", "blue_green", 2, arms=(Arm(2, 8_000), Arm(1, 2_000)), follows="champion")
AB = DeploymentSpec("churn", "ab", 3, arms=(Arm(1, 4_000), Arm(2, 3_000), Arm(3, 3_000)), follows="champion")


def test_a_newcomer_takes_the_candidates_share_however_the_split_is_written() -> None:
    expected = (Arm(2, 2_000), Arm(3, 8_000))
    assert wanted.moved(GREEN, 2, 3) == replace(GREEN, candidate=3, arms=expected)
    brought = wanted.towards(Deployment("churn", GREEN, 1, live=2), "churn", 3)
    assert brought == replace(GREEN, candidate=3, arms=expected, follows=None)


def test_an_alias_that_moves_puts_the_new_version_into_the_experiment() -> None:
    assert wanted.moved(AB, 1, 5).arms == (Arm(1, 4_000), Arm(2, 3_000), Arm(5, 3_000))


def test_an_experiment_that_a_version_would_meet_itself_in_is_over() -> None:
    moved = wanted.moved(AB, 1, 2)
    assert (moved.strategy, moved.candidate, moved.arms, moved.follows) == ("direct", 2, (), "champion")


def test_the_version_that_is_live_is_never_split_with_itself() -> None:
    assert wanted.moved(GREEN, 1, 1).arms == ()
    assert wanted.moved(GREEN, None, 3).arms == ()
