"""How a plan takes effect in the workers of a replica: pure decisions over what each worker reported.

Endpoint by endpoint: an endpoint is committed when every worker has its pinned slots ready and its lazy ones
verified, and their contracts agree; until then, or when a slot failed, it keeps the route of its last good
revision. So a replica may answer with several revisions, and a new worker is brought through all of them,
oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from modelport.core.plan import EndpointSpec, Revision, ServingPlan
from modelport.errors import PlanRefused
from modelport.serving.replica.messages import Commit, Prepare, SlotReport

_UNKNOWN = SlotReport("wanted")
_ANSWERING = frozenset({"ready", "verified"})
_SETTLED = _ANSWERING | {"failed"}


class Verdict(msgspec.Struct, frozen=True):
    """Whether an endpoint can answer with a revision, and if not, why."""

    state: Literal["ready", "waiting", "failed"]
    reason: str = ""


class State(msgspec.Struct, frozen=True):
    """What the replica serves, and what it wants.

    Attributes:
        wanted: the newest plan that was taken.
        committed: the revision each endpoint answers with.
        plans: `wanted`, and every plan that an endpoint still answers with.
        settled: no endpoint of `wanted` waits for a slot.
        newest: the newest revision that was ever taken.
    """

    wanted: ServingPlan | None = None
    committed: Mapping[str, Revision] = {}
    plans: Mapping[Revision, ServingPlan] = {}
    settled: bool = False
    newest: Revision | None = None


class Seen(msgspec.Struct, frozen=True):
    """What one worker was told, and what it said.

    Attributes:
        asked: the revision it was last told to prepare.
        slots: its last report about that revision.
        told: the revision each endpoint was told to answer with.
        before: its last report about the revision before, until there is one about `asked`: decides nothing.
    """

    asked: Revision | None = None
    slots: Mapping[str, SlotReport] = {}
    told: Mapping[str, Revision] = {}
    before: Mapping[str, SlotReport] = {}


def take(state: State, plan: ServingPlan) -> State:
    """The state that wants `plan`; raises `PlanRefused` when it is no newer than all that were wanted."""
    if state.newest is not None and plan.revision <= state.newest:
        msg = f"plan {plan.revision} is not newer than {state.newest}, which was taken before"
        raise PlanRefused(msg, hint="publish it again with a higher revision number")
    plans = {**state.plans, plan.revision: plan}
    return _pruned(State(plan, state.committed, plans, newest=plan.revision))


def give_up(state: State) -> State:
    """The state that wants its last good plan again, unless part of the wanted one is in effect."""
    if state.wanted is None or not state.committed or state.wanted.revision in state.committed.values():
        return state
    last = max(state.committed.values())
    return _pruned(msgspec.structs.replace(state, wanted=state.plans[last], settled=True))


def advance(state: State, workers: Sequence[Seen]) -> State:
    """The state after every endpoint that can switch has switched. Never takes an endpoint's last route."""
    if state.wanted is None:
        return state
    plan, judged = state.wanted, verdicts(state, workers)
    ready = {name: plan.revision for name, verdict in judged.items() if verdict.state == "ready"}
    settled = all(verdict.state != "waiting" for verdict in judged.values())
    names = {endpoint.name for endpoint in plan.endpoints}
    kept = {name: at for name, at in state.committed.items() if name in names or not (ready or settled)}
    return _pruned(msgspec.structs.replace(state, committed={**kept, **ready}, settled=settled))


def verdicts(state: State, workers: Sequence[Seen]) -> dict[str, Verdict]:
    """Of each endpoint that does not answer with the wanted revision yet."""
    if state.wanted is None:
        return {}
    plan = state.wanted
    # A worker that is still behind answers nothing yet: it holds up no rollback in those that do.
    voters = [worker for worker in workers if not behind(state, worker)] or workers
    open_ = [item for item in plan.endpoints if state.committed.get(item.name) != plan.revision]
    return judge(plan, open_, voters)


def judge(
    plan: ServingPlan, endpoints: Iterable[EndpointSpec], workers: Sequence[Seen]
) -> dict[str, Verdict]:
    """Whether these workers can all answer, by endpoint of a plan."""
    asked = [worker.slots if worker.asked == plan.revision else {} for worker in workers]
    return {endpoint.name: _judge_one(endpoint, asked) for endpoint in endpoints}


def _judge_one(endpoint: EndpointSpec, workers: Sequence[Mapping[str, SlotReport]]) -> Verdict:
    slots = [share.slot for share in endpoint.route.shares]
    reports = [(slot, known.get(slot, _UNKNOWN)) for known in workers for slot in slots]
    for slot, report in reports:
        if report.state == "failed":
            return Verdict("failed", f"slot {slot}: {report.reason or 'failed without a reason'}")
    if differing := _contracts(reports):
        return Verdict("failed", f"slots of one endpoint need one contract; {differing} differ")
    shadows = [known.get(share.slot, _UNKNOWN) for known in workers for share in endpoint.route.shadows]
    if (
        workers
        and all(report.state in _ANSWERING for _, report in reports)
        # A shadow that cannot be loaded is missed by nobody; one that still may be is waited for.
        and all(report.state in _SETTLED for report in shadows)
    ):
        return Verdict("ready")
    return Verdict("waiting")


def rerouted(before: State, after: State) -> dict[str, dict[str, int]]:
    """Who answers now, in basis points by slot, at each endpoint where that is another than before."""
    was, now = _shares(before), _shares(after)
    return {name: shares for name, shares in now.items() if was.get(name) != shares}


def behind(state: State, worker: Seen) -> dict[str, Revision]:
    """The endpoints that the replica answers with another revision than the worker, and that revision."""
    return {name: at for name, at in state.committed.items() if worker.told.get(name) != at}


def next_message(state: State, worker: Seen, places: Mapping[str, int]) -> Prepare | Commit | None:
    """What a worker is to be told next; None when it has to act, or nothing is left to do."""
    for plan in _path(state, worker):
        if worker.asked is not None and worker.asked > plan.revision:
            continue  # it was there, and could not commit
        if worker.asked != plan.revision:
            return Prepare(plan, {slot.id: places[slot.id] for slot in plan.slots})
        lacking = behind(state, worker)
        due = [item for item in plan.endpoints if lacking.get(item.name) == plan.revision]
        judged = judge(plan, due, [worker])
        if ready := [name for name, verdict in judged.items() if verdict.state == "ready"]:
            return Commit(plan.revision, tuple(ready))
        if any(verdict.state == "waiting" for verdict in judged.values()):
            return None
    return _farewell(state, worker)


def caught_up(state: State, worker: Seen) -> bool:
    """Whether a worker answers all of what the replica answers that it ever will: nothing is on its way."""
    if state.wanted is None or worker.asked != state.wanted.revision:
        return False
    lacking = behind(state, worker)
    due = [item for item in state.wanted.endpoints if lacking.get(item.name) == state.wanted.revision]
    judged = judge(state.wanted, due, [worker])
    return all(verdict.state == "failed" for verdict in judged.values()) and bool(
        state.committed or state.settled
    )


def sent(worker: Seen, message: Prepare | Commit, plan: ServingPlan) -> Seen:
    """What is known of a worker after it was sent a message about `plan`."""
    if isinstance(message, Prepare):
        return Seen(plan.revision, {}, worker.told, worker.slots or worker.before)
    names = {endpoint.name for endpoint in plan.endpoints}
    kept = {name: at for name, at in worker.told.items() if name in names}
    return Seen(worker.asked, worker.slots, {**kept, **dict.fromkeys(message.endpoints, plan.revision)})


def heard(worker: Seen, revision: Revision, slots: Mapping[str, SlotReport]) -> Seen:
    """What is known of a worker after its report; one about an older revision says nothing new."""
    return Seen(worker.asked, slots, worker.told) if revision == worker.asked else worker


def loading(worker: Seen) -> tuple[str, ...]:
    """The slots a worker is busy with: the suspects, should it die or stall."""
    return tuple(slot for slot, report in worker.slots.items() if report.state == "loading")


def busy(worker: Seen) -> bool:
    """Whether a worker starts, or prepares slots."""
    return not worker.slots or bool(loading(worker))


def slots_in_use(state: State) -> set[str]:
    """Every slot that some endpoint answers with, or that is wanted."""
    return {slot.id for plan in state.plans.values() for slot in plan.slots}


def _path(state: State, worker: Seen) -> Iterator[ServingPlan]:
    """The plans a worker has to go through, oldest first; the wanted one comes last."""
    if state.wanted is None:
        return
    for revision in sorted(set(behind(state, worker).values())):
        if revision < state.wanted.revision:
            yield state.plans[revision]
    yield state.wanted


def _farewell(state: State, worker: Seen) -> Commit | None:
    """A commit of nothing, for endpoints that the wanted plan no longer has."""
    plan = state.wanted
    if plan is None or worker.asked != plan.revision:
        return None
    gone = worker.told.keys() - state.committed.keys()
    return Commit(plan.revision, ()) if gone else None


def _contracts(reports: Iterable[tuple[str, SlotReport]]) -> str:
    """The slots whose contracts differ, as text; empty when they agree as far as they are known."""
    known = {slot: report.contract for slot, report in reports if report.contract}
    return " and ".join(sorted(known)) if len(set(known.values())) > 1 else ""


def _shares(state: State) -> dict[str, dict[str, int]]:
    return {
        endpoint.name: {share.slot: share.weight for share in endpoint.route.shares}
        for revision, plan in state.plans.items()
        for endpoint in plan.endpoints
        if state.committed.get(endpoint.name) == revision
    }


def _pruned(state: State) -> State:
    used = {*state.committed.values(), *([state.wanted.revision] if state.wanted else [])}
    plans = {revision: plan for revision, plan in state.plans.items() if revision in used}
    return msgspec.structs.replace(state, plans=plans)
