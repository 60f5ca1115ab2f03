"""Carries plans and keys to the workers, and commits what all of them have ready.

The decisions are `rollout`'s; this is the loop around them. Every event (a plan, a worker, a report) ends
in `_advance`: endpoints advance, then each worker is told what it needs next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from modelport.core.access import AccessSnapshot
from modelport.core.plan import Revision, ServingPlan, check
from modelport.errors import ModelportError, Overloaded, PlanRefused
from modelport.serving import shared
from modelport.serving.log import note
from modelport.serving.replica import ledger, rollout
from modelport.serving.replica.absent import Absent
from modelport.serving.replica.hosting import Hosts
from modelport.serving.replica.messages import (
    Access,
    Committed,
    Credentials,
    Downward,
    Listen,
    Prepare,
    Prepared,
    Told,
    Upward,
    Wanted,
)
from modelport.serving.replica.places import Places
from modelport.serving.replica.workers import Worker, first_of

KILLED = 3
"""Workers that may die preparing a plan before it is given up."""


class Conductor:
    """Owned by one event loop.

    Attributes:
        segment: where everything is counted.
        first: done when all workers answer with the whole first plan; fails when they cannot.
        workers: who is to be told; set by the composition root.
        hosts: who keeps model hosts; set by the composition root.
        absent: bundles that are not to be loaded now.
        changed: called when anything that `told` tells may be another.
        keep: told which slots plans name now; others whose counts are still wanted, which keep their places.
        refused: why the last plan was not taken; empty when it was.
        adopted: told the state whenever it may have changed: what the replica answers with.
        allowed: told every snapshot of keys that is enforced.

    Args:
        patient: the first plan is served as far as it can be, and the rest when it can: of a fleet, nobody
            who waits for a bundle stops the others. Without, it is served as a whole or not at all.
    """

    def __init__(self, segment: shared.Segment, *, patient: bool = False) -> None:
        self.segment = segment
        self._patient = patient
        self._told: dict[Worker, Told] = {}
        self.changed: Callable[[], None] = lambda: None
        self.keep: Callable[[set[str]], Iterable[str]] = lambda _: ()
        self.refused = ""
        self.adopted: Callable[[rollout.State], None] = lambda _: None
        self.allowed: Callable[[AccessSnapshot], None] = lambda _: None
        self._slots = Places(segment.slots, "slot")
        self._keys = Places(segment.keys, "limited key")
        self._state = rollout.State()
        self._access: Access | None = None
        self._credentials: Credentials | None = None
        self.absent = Absent(self._send)
        self._answering: dict[Worker, dict[str, Revision]] = {}
        self._deaths = 0
        self._going_on = False
        self._said: dict[str, str] = {}
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.workers: Callable[[], Sequence[Worker]] = list
        self.hosts: Hosts | None = None

    def places(self) -> Iterable[int]:
        """Places of all slots that are in use."""
        return self._slots.taken()

    @property
    def state(self) -> rollout.State:
        """What is served and what is wanted."""
        return self._state

    @property
    def told(self) -> list[Told]:
        """What the workers know beside what they count."""
        return list(self._told.values())

    @property
    def access_revision(self) -> int:
        """Of the keys that are enforced; 0 for a replica that answers everyone."""
        return self._access.snapshot.revision if self._access and self._access.snapshot else 0

    def verdicts(self) -> dict[str, rollout.Verdict]:
        """Of each endpoint that does not answer with the wanted revision yet."""
        return rollout.verdicts(self._state, [worker.seen for worker in self.workers()])

    def slot_places(self) -> dict[str, int]:
        """Where each slot is counted, by its id."""
        return self._slots.all()

    def take(self, plan: ServingPlan) -> None:
        """Want this plan from now on; raises `PlanRefused`, changing nothing, when it cannot be."""
        if plan == self._state.wanted:
            return
        try:
            state = rollout.take(self._state, check(plan))
            self._make_room(state)
        except PlanRefused as error:
            self.refused = error.message
            raise
        self.refused = ""
        self._state, self._deaths, self._said = state, 0, {}
        self.absent.forgive()
        note("plan taken", revision=str(plan.revision), endpoints=len(plan.endpoints))
        self._go_on()

    def allow(self, snapshot: AccessSnapshot | None) -> None:
        """Enforce this snapshot from now on, None for a replica that answers everyone.

        Raises `PlanRefused`, changing nothing, when it has more limited keys than there are places.
        """
        keys = snapshot.keys if snapshot is not None else ()
        limited = [entry.id for entry in keys if entry.rate is not None and not entry.revoked]
        ledger.clear_keys(self.segment, self._keys.assign(limited))
        self._access = Access(snapshot, self._keys.of(limited))
        note("keys taken", revision=snapshot.revision if snapshot else None, keys=len(keys))
        self._send(self._access)
        if snapshot is not None:
            self.allowed(snapshot)

    def secure(self, credentials: Credentials) -> None:
        """Show these to clients from now on; connections there are keep what they began with."""
        if self._credentials is not None:
            note("certificate renewed")
        self._credentials = credentials
        self._send(credentials)

    def joined(self, worker: Worker) -> None:
        """A worker was started: who may do what comes before what there is to do."""
        if self._credentials is not None:
            worker.channel.send(self._credentials)
        if self._access is not None:
            worker.channel.send(self._access)
        if (absent := self.absent.message) is not None:
            worker.channel.send(absent)
        self._go_on()

    async def opened(self) -> None:
        """Wait until every worker that lives was told to accept connections."""
        for worker in self.workers():
            await first_of(worker.listens, worker.ended)

    def heard(self, worker: Worker, message: Upward) -> None:
        """A worker reported."""
        if isinstance(message, Prepared):
            worker.seen = rollout.heard(worker.seen, message.revision, message.slots)
            self._go_on()
        elif isinstance(message, Committed):
            known = self._answering.setdefault(worker, {})
            known.update(dict.fromkeys(message.endpoints, message.revision))
            self._finish_first()
        elif isinstance(message, Wanted) and self.hosts is not None:
            self.hosts.want(message.slot, worker.channel.send)
        elif isinstance(message, Told):
            self._told[worker] = message

    def left(self, worker: Worker, *, looping: bool) -> None:
        """A worker answers no more: others go on without it, and its plan may have been its end."""
        self._answering.pop(worker, None)
        self._told.pop(worker, None)
        if rollout.loading(worker.seen) and worker.seen.asked == _revision(self._state):
            self._suspect(worker)
        if looping:
            self._fail_first(Overloaded("workers die as soon as they start", code="worker-lost"))
        self._go_on()

    def make_room(self) -> None:
        """Give up places that nobody wants kept any more."""
        self._make_room(self._state)

    def _make_room(self, state: rollout.State) -> None:
        used = rollout.slots_in_use(state)
        kept = used.union(self.keep(used))
        for place in self._slots.assign(sorted(kept if len(kept) <= self.segment.slots else used)):
            self.segment.clear_slot(place, range(self.segment.workers))

    def _send(self, message: Downward) -> None:
        for worker in self.workers():
            worker.channel.send(message)

    def _go_on(self) -> None:
        """Once for all that happens in one turn of the loop: many slots report at a time."""
        if not self._going_on:
            self._going_on = True
            asyncio.get_running_loop().call_soon(self._advance)

    def _advance(self) -> None:
        self._going_on = False
        before = self._state
        seen = [worker.seen for worker in self.workers()]
        self._state = rollout.advance(before, seen)
        self._make_room(self._state)
        if self.hosts is not None:
            self.hosts.keep(slot for plan in self._state.plans.values() for slot in plan.slots)
        self._tell_failures(seen)
        self._tell_commits(before)
        places = self._slots.of(rollout.slots_in_use(self._state))
        for worker in self.workers():
            self._lead(worker, places)
        self._finish_first()
        self.adopted(self._state)
        self.changed()

    def _lead(self, worker: Worker, places: Mapping[str, int]) -> None:
        """Tell a worker all that it can be told now."""
        while message := rollout.next_message(self._state, worker.seen, places):
            revision = message.plan.revision if isinstance(message, Prepare) else message.revision
            worker.channel.send(message)
            worker.seen = rollout.sent(worker.seen, message, self._state.plans[revision])
        if not worker.listens.is_set() and self._serves() and rollout.caught_up(self._state, worker.seen):
            worker.channel.send(Listen())
            worker.listens.set()

    def _serves(self) -> bool:
        """Whether the first plan is in effect: nobody is let in to half of it."""
        return self.first.done() and self.first.exception() is None

    def _suspect(self, worker: Worker) -> None:
        """Workers die preparing a plan: after a few, prefer the last good one."""
        self._deaths += 1
        slots = ", ".join(rollout.loading(worker.seen))
        if self._deaths < KILLED:
            return
        if self._patient:
            self._set_aside(worker)
            return
        refused = PlanRefused(
            f"{self._deaths} workers died preparing plan {_revision(self._state)} ({slots})"
        )
        self._fail_first(refused)
        given_up = rollout.give_up(self._state)
        if given_up is not self._state:
            note("plan refused", logging.ERROR, reason=refused.message)
            self._state = given_up

    def _set_aside(self, worker: Worker) -> None:
        """Load what ends workers no more, as long as this plan is wanted: the rest of it is served."""
        loading = rollout.loading(worker.seen)
        specs = [slot for plan in self._state.plans.values() for slot in plan.slots if slot.id in loading]
        reason = f"{self._deaths} workers died loading it"
        self._deaths = 0
        note("bundle set aside", logging.ERROR, slots=loading, reason=reason)
        self.absent.poison((slot.bundle for slot in specs), reason)

    def _tell_commits(self, before: rollout.State) -> None:
        now = self._state
        new = [name for name, at in now.committed.items() if before.committed.get(name) != at]
        gone = sorted(before.committed.keys() - now.committed.keys())
        if not (new or gone):
            return
        note("plan committed", revision=str(_revision(now)), endpoints=len(new), gone=gone)
        for name, shares in rollout.rerouted(before, now).items():
            note("endpoint routed", endpoint=name, shares=shares)

    def _tell_failures(self, seen: Sequence[rollout.Seen]) -> None:
        for name, verdict in rollout.verdicts(self._state, seen).items():
            if verdict.state == "failed" and self._said.get(name) != verdict.reason:
                self._said[name] = verdict.reason
                kept = str(self._state.committed.get(name, "nothing"))
                note("slot failed", logging.ERROR, endpoint=name, reason=verdict.reason, kept=kept)
                self._fail_first(PlanRefused(f"{name} cannot be served: {verdict.reason}"))

    def _finish_first(self) -> None:
        """The first plan is served when every worker has confirmed every endpoint of it."""
        plan = self._state.wanted
        if self.first.done() or plan is None:
            return
        names = {endpoint.name for endpoint in plan.endpoints} - self._given_up()
        answering = [self._answering.get(worker, {}).keys() for worker in self.workers()]
        if answering and all(names <= known for known in answering):
            self.first.set_result(None)
            self._go_on()

    def _given_up(self) -> set[str]:
        """Endpoints of the first plan that are not waited for."""
        if not self._patient:
            return set()
        return {name for name, verdict in self.verdicts().items() if verdict.state == "failed"}

    def _fail_first(self, error: ModelportError) -> None:
        if not self.first.done() and not (self._patient and isinstance(error, PlanRefused)):
            self.first.set_exception(error)
            self.first.exception()  # seen: a replica that is told to stop meanwhile need not complain


def _revision(state: rollout.State) -> Revision | None:
    return state.wanted.revision if state.wanted is not None else None
