"""A fleet that is made up, with the habits of real ones: late, forgetful, broken, telling things twice.

Its replicas follow plans as `serving.replica` does: endpoint by endpoint, when every slot of a route is
ready, keeping the last good route until then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from msgspec.structs import replace

from modelport.control.split import version_of
from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import EndpointStatus, PlanStatus, SlotState, SlotStatus
from modelport.core.latency import bucket
from modelport.core.plan import BASIS_POINTS, EndpointSpec, Revision, ServingPlan


class Behaviour(msgspec.Struct, frozen=True):
    """How a version does: shares of requests, and the median latency in seconds (lognormal)."""

    errors: float = 0.005
    broken: float = 0.0
    wrong: float = 0.08
    median: float = 0.02
    sigma: float = 0.5
    labelled: float = 0.0


GOOD = Behaviour()


@dataclass
class Replica:
    """One replica: what it was told, what it has loaded, what it counted."""

    name: str
    loading: float = 3.0
    broken: Mapping[int, str] = field(default_factory=dict)
    lives: int = 1
    sequence: int = 0
    plan: ServingPlan | None = None
    plans: dict[Revision, ServingPlan] = field(default_factory=dict)
    ready_at: dict[str, float] = field(default_factory=dict)
    committed: dict[str, Revision] = field(default_factory=dict)
    counters: dict[str, Outcomes] = field(default_factory=dict)
    silent: bool = False

    def take(self, plan: ServingPlan, now: float) -> None:
        """Follow a newer plan."""
        if self.silent or (self.plan is not None and plan.revision <= self.plan.revision):
            return
        self.plan = plan
        self.plans[plan.revision] = plan
        for slot in plan.slots:
            self.ready_at.setdefault(slot.id, now + self.loading)

    def tick(self, now: float) -> None:
        """Switch the endpoints that can be switched; unload what nobody wants."""
        for endpoint in self.plan.endpoints if self.plan else ():
            assert self.plan is not None
            states = [self.state(share.slot, now) for share in endpoint.route.shares]
            if all(state == "ready" for state in states):
                self.committed[endpoint.name] = self.plan.revision
        wanted = {slot.id for slot in self.plan.slots} if self.plan else set()
        routed = {share.slot for name in self.committed for share in self.route(name).route.shares}
        self.ready_at = {slot: at for slot, at in self.ready_at.items() if slot in wanted | routed}

    def state(self, slot: str, now: float) -> SlotState:
        """Where a slot stands."""
        if version_of(slot) in self.broken:
            return "failed"
        return "ready" if self.ready_at.get(slot, math.inf) <= now else "loading"

    def route(self, endpoint: str) -> EndpointSpec:
        """Its present route."""
        found = self.plans[self.committed[endpoint]].endpoints
        return next(each for each in found if each.name == endpoint)

    def restart(self, now: float) -> None:
        """Killed and started again: another incarnation, no counters, everything to be loaded again."""
        plan = self.plan
        self.lives += 1
        self.sequence = 0
        self.plan, self.plans = None, {}
        self.committed, self.counters, self.ready_at = {}, {}, {}
        if plan is not None:
            self.take(plan, now)

    def answer(
        self, endpoint: str, requests: int, behaviours: Mapping[int, Behaviour], random: np.random.Generator
    ) -> int:
        """Answer some requests; returns how many found no route."""
        if endpoint not in self.committed:
            return requests
        route = self.route(endpoint).route
        weights = np.array([share.weight for share in route.shares]) / BASIS_POINTS
        split = list(zip(route.shares, random.multinomial(requests, weights), strict=True))
        split += [(each, random.binomial(requests, each.weight / BASIS_POINTS)) for each in route.shadows]
        for share, count in split:
            more = outcomes(int(count), behaviours[version_of(share.slot)], random)
            self.counters[share.slot] = self.counters.get(share.slot, NONE).plus(more)
        return 0

    def report(self, now: float) -> PlanStatus:
        """What it tells about itself."""
        self.sequence += 1
        slots = self.plan.slots if self.plan else ()
        return PlanStatus(
            self.name,
            f"life-{self.lives}",
            self.sequence,
            wanted=self.plan.revision if self.plan else None,
            endpoints={name: EndpointStatus(at) for name, at in self.committed.items()},
            slots={
                slot.id: SlotStatus(self.state(slot.id, now), self.broken.get(slot.version, ""))
                for slot in slots
            },
            counters=dict(self.counters),
            ready=True,
        )


def outcomes(count: int, behaviour: Behaviour, random: np.random.Generator) -> Outcomes:
    """How `count` requests end."""
    broken = int(random.binomial(count, behaviour.broken))
    faults = min(count, broken + int(random.binomial(count, behaviour.errors)))
    taken = random.lognormal(math.log(behaviour.median), behaviour.sigma, count)
    buckets: dict[int, int] = {}
    for seconds in taken:
        at = bucket(int(seconds * 1e9))
        buckets[at] = buckets.get(at, 0) + 1
    labels = int(random.binomial(count, behaviour.labelled))
    right = labels - int(random.binomial(labels, behaviour.wrong))
    return Outcomes(count, broken, count, count, faults, buckets, labels, right)


class Ledger:
    """The sums of a fleet's counters: what is reported twice, late or by a new life is counted once."""

    def __init__(self) -> None:
        self.sums: dict[str, Outcomes] = {}
        self.newest: dict[str, PlanStatus] = {}
        self._known: dict[tuple[str, str], PlanStatus] = {}

    def hear(self, status: PlanStatus) -> None:
        """Take a report."""
        life = (status.replica, status.incarnation)
        before = self._known.get(life)
        if before is not None and before.sequence >= status.sequence:
            return
        for slot, counted in status.counters.items():
            more = counted.since(before.counters.get(slot, NONE) if before else NONE)
            self.sums[slot] = self.sums.get(slot, NONE).plus(more)
        self._known[life] = status
        self.newest[status.replica] = replace(status, counters={})
