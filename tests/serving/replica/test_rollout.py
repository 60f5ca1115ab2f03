"""How plans take effect, endpoint by endpoint, whatever workers report and whenever they die."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec, check
from modelport.errors import PlanRefused
from modelport.serving.replica import rollout
from modelport.serving.replica.messages import Commit, Prepare, SlotReport
from modelport.serving.replica.places import Places
from modelport.serving.replica.rollout import Seen, State

READY = SlotReport("ready", contract="c")
FAILED = SlotReport("failed", "the digest of model.onnx does not hold")


def revision(number: int) -> Revision:
    return Revision(0, number)


def plan(number: int, **routes: int) -> ServingPlan:
    """A plan whose endpoint `name` routes to version `routes[name]`."""
    slots = tuple(SlotSpec(f"{name}:{at}", name, at, "x.bundle") for name, at in routes.items())
    endpoints = tuple(
        EndpointSpec(name, Route((Share(f"{name}:{at}", 10_000),))) for name, at in routes.items()
    )
    return check(ServingPlan(revision(number), slots, endpoints))


def asked(number: int, told: dict[str, int] | None = None, **slots: SlotReport) -> Seen:
    """A worker that prepares revision `number`; slots are written `churn_1=READY`."""
    named = {name.replace("_", ":"): report for name, report in slots.items()}
    return Seen(revision(number), named, {name: revision(at) for name, at in (told or {}).items()})


def test_an_endpoint_is_committed_once_every_worker_has_its_slots_ready() -> None:
    state = rollout.take(State(), plan(1, churn=1))
    one = rollout.advance(state, [asked(1, churn_1=READY), asked(1, churn_1=SlotReport("warming"))])
    both = rollout.advance(one, [asked(1, churn_1=READY), asked(1, churn_1=READY)])
    assert (one.committed, one.settled) == ({}, False)
    assert (both.committed, both.settled) == ({"churn": revision(1)}, True)


def test_a_worker_has_caught_up_once_it_answers_all_that_the_others_do() -> None:
    both = asked(1, churn_1=READY, other_1=READY)
    state = rollout.advance(rollout.take(State(), plan(1, churn=1, other=1)), [both])
    half = asked(1, {"churn": 1}, churn_1=READY, other_1=SlotReport("loading"))
    assert not rollout.caught_up(state, Seen())
    assert not rollout.caught_up(state, half)
    assert rollout.caught_up(state, asked(1, {"churn": 1, "other": 1}, churn_1=READY, other_1=READY))


def test_a_worker_that_cannot_load_a_slot_has_caught_up_with_the_rest() -> None:
    """Who waits for it should be told, not kept waiting."""
    both = asked(1, churn_1=READY, other_1=READY)
    state = rollout.advance(rollout.take(State(), plan(1, churn=1, other=1)), [both])
    assert rollout.caught_up(state, asked(1, {"churn": 1}, churn_1=READY, other_1=FAILED))


def test_a_worker_has_to_go_through_older_plans_first() -> None:
    """`churn` stays with revision 1, because its version 2 fails."""
    state = rollout.advance(rollout.take(State(), plan(1, churn=1)), [asked(1, churn_1=READY)])
    old = asked(2, {"churn": 1}, churn_2=FAILED)
    state = rollout.advance(rollout.take(state, plan(2, churn=2)), [old])
    assert state.committed == {"churn": revision(1)}
    assert not rollout.caught_up(state, asked(1, {"churn": 1}, churn_1=READY))
    assert rollout.caught_up(state, old)


def test_who_answers_is_told_where_it_is_another_than_before() -> None:
    before = rollout.advance(
        rollout.take(State(), plan(1, churn=1, other=1)), [asked(1, churn_1=READY, other_1=READY)]
    )
    assert rollout.rerouted(State(), before) == {"churn": {"churn:1": 10_000}, "other": {"other:1": 10_000}}
    after = rollout.advance(
        rollout.take(before, plan(2, churn=2, other=1)), [asked(2, churn_2=READY, other_1=READY)]
    )
    assert rollout.rerouted(before, after) == {"churn": {"churn:2": 10_000}}


def test_nothing_is_committed_without_workers() -> None:
    assert rollout.advance(rollout.take(State(), plan(1, churn=1)), []).committed == {}


def test_a_failed_slot_keeps_its_endpoint_on_the_last_good_revision_and_blocks_no_other() -> None:
    state = rollout.advance(
        rollout.take(State(), plan(1, churn=1, other=1)), [asked(1, churn_1=READY, other_1=READY)]
    )
    worker = asked(2, {"churn": 1, "other": 1}, churn_2=FAILED, other_2=READY)
    state = rollout.advance(rollout.take(state, plan(2, churn=2, other=2)), [worker])
    assert state.committed == {"churn": revision(1), "other": revision(2)}
    assert state.settled
    (verdict,) = rollout.verdicts(state, [worker]).values()
    assert verdict == rollout.Verdict("failed", "slot churn:2: the digest of model.onnx does not hold")


def test_slots_of_one_endpoint_with_different_contracts_are_refused() -> None:
    slots = tuple(SlotSpec(f"churn:{at}", "churn", at, "x.bundle") for at in (1, 2))
    route = Route((Share("churn:1", 5_000), Share("churn:2", 5_000)))
    both = ServingPlan(revision(1), slots, (EndpointSpec("churn", route),))
    worker = asked(1, churn_1=READY, churn_2=SlotReport("ready", contract="other"))
    (verdict,) = rollout.verdicts(rollout.take(State(), both), [worker]).values()
    assert verdict.state == "failed"
    assert "churn:1 and churn:2" in verdict.reason


def test_a_lazy_slot_holds_up_its_endpoint_until_it_is_verified_and_no_longer() -> None:
    slot = SlotSpec("churn:1", "churn", 1, "x.bundle", pinned=False)
    lazy = msgspec.structs.replace(plan(1, churn=1), slots=(slot,))
    state = rollout.take(State(), lazy)
    assert rollout.advance(state, [asked(1)]).committed == {}
    verified = asked(1, churn_1=SlotReport("verified", contract="c"))
    assert rollout.advance(state, [verified]).committed == {"churn": revision(1)}


def test_a_shadow_is_waited_for_and_missed_by_nobody_when_it_fails() -> None:
    slots = tuple(SlotSpec(f"churn:{at}", "churn", at, "x.bundle") for at in (1, 2))
    route = Route((Share("churn:1", 10_000),), shadows=(Share("churn:2", 500),))
    state = rollout.take(State(), check(ServingPlan(revision(1), slots, (EndpointSpec("churn", route),))))
    waits = asked(1, churn_1=READY, churn_2=SlotReport("loading"))
    assert rollout.advance(state, [waits]).committed == {}
    for shadow in (READY, FAILED, SlotReport("verified")):
        worker = asked(1, churn_1=READY, churn_2=shadow)
        assert rollout.advance(state, [worker]).committed == {"churn": revision(1)}


def test_a_plan_that_is_no_newer_is_refused() -> None:
    state = rollout.take(State(), plan(2, churn=1))
    for number in (1, 2):
        with pytest.raises(PlanRefused, match="not newer than 0-2"):
            rollout.take(state, plan(number, churn=1))


def test_a_new_epoch_beats_every_number_of_an_older_one() -> None:
    state = rollout.take(State(), plan(900, churn=1))
    restored = msgspec.structs.replace(plan(1, churn=2), revision=Revision(1, 1))
    assert rollout.take(state, restored).wanted == restored


def test_an_endpoint_that_the_plan_no_longer_has_goes_even_if_nothing_else_changes() -> None:
    state = rollout.advance(
        rollout.take(State(), plan(1, churn=1, other=1)), [asked(1, churn_1=READY, other_1=READY)]
    )
    state = rollout.take(state, plan(2, churn=2))
    assert set(rollout.advance(state, [asked(2, churn_2=SlotReport("loading"))]).committed) == {
        "churn",
        "other",
    }
    worker = asked(2, {"churn": 1, "other": 1}, churn_2=FAILED)
    state = rollout.advance(state, [worker])
    assert state.committed == {"churn": revision(1)}
    assert rollout.next_message(state, worker, {"churn:2": 0}) == Commit(revision(2), ())


def test_a_new_worker_goes_through_every_revision_that_is_in_effect_oldest_first() -> None:
    state = mixed()
    worker, told = Seen(), []
    while message := rollout.next_message(
        state, worker, {"churn:1": 0, "churn:2": 1, "other:1": 2, "other:2": 3}
    ):
        told.append((type(message).__name__, message_revision(message).number))
        worker = rollout.sent(worker, message, state.plans[message_revision(message)])
        worker = answered(worker, failing={"churn:2"})
    assert told == [("Prepare", 1), ("Commit", 1), ("Prepare", 2), ("Commit", 2)]
    assert worker.told == state.committed


def test_a_new_worker_that_cannot_load_an_old_revision_goes_on_with_the_next() -> None:
    state = mixed()
    places = dict.fromkeys(("churn:1", "churn:2", "other:1", "other:2"), 0)
    worker = Seen()
    while message := rollout.next_message(state, worker, places):
        worker = rollout.sent(worker, message, state.plans[message_revision(message)])
        worker = answered(worker, failing={"churn:1", "churn:2"})
    assert worker.told == {"other": revision(2)}


def test_a_worker_that_is_still_behind_holds_up_no_rollback() -> None:
    state = rollout.advance(rollout.take(State(), plan(1, churn=1)), [asked(1, churn_1=READY)])
    state = rollout.take(state, plan(2, churn=2))
    starting, serving = Seen(revision(1)), asked(2, {"churn": 1}, churn_2=READY)
    assert rollout.advance(state, [serving, starting]).committed == {"churn": revision(2)}


def test_giving_up_a_plan_returns_to_the_last_good_one_and_its_number_stays_used() -> None:
    state = rollout.advance(rollout.take(State(), plan(1, churn=1)), [asked(1, churn_1=READY)])
    state = rollout.give_up(rollout.take(state, plan(2, churn=2)))
    assert state.wanted == plan(1, churn=1)
    assert set(state.plans) == {revision(1)}
    with pytest.raises(PlanRefused):
        rollout.take(state, plan(2, churn=3))


REPORTS = st.sampled_from([None, SlotReport("loading"), READY, FAILED])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 3), min_size=1),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_no_endpoint_that_stays_in_the_plans_is_ever_left_without_a_route(
    routes: list[dict[str, int]], data: st.DataObject
) -> None:
    """Whatever workers report: what is committed stays so, its plan is kept, and revisions only rise."""
    state = State()
    for number, names in enumerate(routes, 1):
        state = rollout.take(state, plan(number, **names))
        for _ in range(2):
            before = state
            workers = [seen(state, data) for _ in range(data.draw(st.integers(0, 3)))]
            state = rollout.advance(state, workers)
            assert {name for name in before.committed if name in names} <= set(state.committed)
            assert all(at in state.plans for at in state.committed.values())
            assert all(state.committed[name] >= at for name, at in before.committed.items() if name in names)


def seen(state: State, data: st.DataObject) -> Seen:
    assert state.wanted is not None
    drawn = {slot.id: data.draw(REPORTS) for slot in state.wanted.slots}
    reports = {slot: report for slot, report in drawn.items() if report is not None}
    return Seen(state.wanted.revision, reports, dict(state.committed))


@given(st.lists(st.sets(st.sampled_from("abcdef"), max_size=3), max_size=20))
def test_no_two_names_ever_share_a_place(wanted: list[set[str]]) -> None:
    places = Places(4, "slot")
    used: set[int] = set()
    for names in wanted:
        reused = places.assign(sorted(names))
        given_out = places.of(names)
        assert len(set(given_out.values())) == len(names)
        assert set(reused) <= used
        used |= set(given_out.values())


def test_a_plan_with_more_slots_than_places_is_refused_and_changes_nothing() -> None:
    places = Places(2, "slot")
    places.assign(["a"])
    with pytest.raises(PlanRefused, match="room for 2"):
        places.assign(["b", "c", "d"])
    assert places.of(["a"]) == {"a": 0}


def mixed() -> State:
    """churn failed in revision 2 and stays at 1; other moved to 2."""
    state = rollout.advance(
        rollout.take(State(), plan(1, churn=1, other=1)), [asked(1, churn_1=READY, other_1=READY)]
    )
    worker = asked(2, {"churn": 1, "other": 1}, churn_2=FAILED, other_2=READY)
    return rollout.advance(rollout.take(state, plan(2, churn=2, other=2)), [worker])


def message_revision(message: Prepare | Commit) -> Revision:
    return message.plan.revision if isinstance(message, Prepare) else message.revision


def answered(worker: Seen, failing: set[str]) -> Seen:
    """The worker after it reported on what it was asked to prepare."""
    assert worker.asked is not None
    slots = ("churn:1", "other:1") if worker.asked.number == 1 else ("churn:2", "other:2")
    reports = {slot: FAILED if slot in failing else READY for slot in slots}
    return rollout.heard(worker, worker.asked, reports)
