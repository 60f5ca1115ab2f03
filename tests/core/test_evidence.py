"""Counted evidence adds up, and what was added since a look can be told from what there was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelport.core.evidence import NONE, Increment, Outcomes, total

COUNT = st.integers(0, 1000)
OUTCOMES = st.builds(
    Outcomes,
    requests=COUNT,
    broken=COUNT,
    assigned=COUNT,
    trials=COUNT,
    faults=COUNT,
    latencies=st.dictionaries(st.integers(0, 641), st.integers(1, 1000), max_size=5).map(
        lambda found: dict(sorted(found.items()))
    ),
    labels=COUNT,
    right=COUNT,
    amended=st.integers(-1000, 1000),
)


@given(OUTCOMES, OUTCOMES)
def test_what_was_added_is_what_comes_out_again(before: Outcomes, added: Outcomes) -> None:
    assert before.plus(added).since(before) == added


@given(OUTCOMES, OUTCOMES, OUTCOMES)
def test_the_order_of_adding_makes_no_difference(one: Outcomes, two: Outcomes, three: Outcomes) -> None:
    assert total([one, two, three]) == total([three, one, two])
    assert one.plus(NONE) == one


def test_a_counter_that_went_back_began_anew() -> None:
    assert Outcomes(requests=3, faults=1).since(Outcomes(requests=500)) == Outcomes(requests=3, faults=1)


def test_slots_of_one_arm_count_together() -> None:
    increment = Increment({"churn:1": Outcomes(requests=2), "churn:1~control": Outcomes(requests=3)})
    assert increment.of("churn:1", "churn:1~control", "churn:9") == Outcomes(requests=5)
