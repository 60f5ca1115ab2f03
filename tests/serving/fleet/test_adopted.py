"""What a replica keeps for its next start: always a plan that works, and all of it that does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec, check
from modelport.serving.fleet.adopted import adopted
from modelport.serving.replica.rollout import State

NAMES = ("churn", "fraud", "spam")


def plan(number: int, names: tuple[str, ...]) -> ServingPlan:
    """Every plan brings the next version of each model, and keeps the one before warm."""
    slots = [SlotSpec(f"{name}:{at}", name, at, "x") for name in names for at in (number, number + 1)]
    routes = [EndpointSpec(name, Route((Share(f"{name}:{number + 1}", 10_000),))) for name in names]
    return ServingPlan(Revision(1, number), tuple(slots), tuple(routes))


@given(st.data())
def test_it_is_a_plan_of_all_that_answers_and_of_nothing_else(data: st.DataObject) -> None:
    plans = {Revision(1, number): plan(number, NAMES) for number in (1, 2, 3)}
    committed = data.draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(plans))))
    wanted = plans[Revision(1, 3)]
    found = adopted(State(wanted, committed, plans, settled=True), plans)
    if found is None:
        assert not committed
        return
    check(found)
    assert {one.name for one in found.endpoints} == committed.keys()
    for endpoint in found.endpoints:
        assert endpoint in plans[committed[endpoint.name]].endpoints
    whole = committed == dict.fromkeys(NAMES, wanted.revision)
    assert (found == wanted) is whole
    assert whole or found.revision < wanted.revision  # so that the wanted one is news when it comes again


def test_a_plan_of_nothing_is_adopted_once_nothing_waits() -> None:
    nothing = plan(1, ())
    assert (
        adopted(
            State(nothing, {}, {nothing.revision: nothing}, settled=True), {} | {nothing.revision: nothing}
        )
        == nothing
    )
    assert adopted(State(), {}) is None
