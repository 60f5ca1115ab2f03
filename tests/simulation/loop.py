"""The whole control loop on a fake clock: passes, plans, a fleet, and a store that holds only JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from msgspec.structs import replace
from tests.simulation.fleet import GOOD, Behaviour, Ledger, Replica

from modelport.control import compose, passes, transitions
from modelport.control.evidence import Evidence
from modelport.control.passes import Outcome, Situation
from modelport.control.strategies.base import strategy
from modelport.core.deployment import Deployment, DeploymentSpec
from modelport.core.plan import Revision, ServingPlan
from modelport.core.records import Version
from modelport.core.rollout import Decided, Rollout, Wish
from modelport.testing.clock import FakeClock


class Stored(msgspec.Struct, frozen=True):
    """What a control plane has after it was started: no more."""

    deployment: Deployment
    rollout: Rollout | None = None
    evidence: Evidence = Evidence()
    wish: Wish | None = None
    decisions: tuple[Decided, ...] = ()
    plan: ServingPlan | None = None
    begun: int = 0


class Loop:
    """An endpoint `churn` with version 1 live, three replicas, and 50 requests a second."""

    def __init__(
        self,
        spec: DeploymentSpec,
        behaviours: Mapping[int, Behaviour] | None = None,
        *,
        live: int | None = 1,
        seed: int = 1,
        rate: int = 50,
        step: float = 1.0,
    ) -> None:
        self.clock = FakeClock()
        self.replicas = [Replica(name) for name in ("a", "b", "c")]
        self.behaviours = dict.fromkeys(range(1, 6), GOOD) | dict(behaviours or {})
        self.ledger = Ledger()
        self.lost = 0
        self.answered: dict[int, int] = {}
        self.rate, self.seconds = rate, step
        self.mangle: Callable[[Loop], None] = lambda loop: None
        self._random = np.random.default_rng(seed)
        first = DeploymentSpec("churn", "direct", live) if live else spec
        self._store = msgspec.json.encode(Stored(Deployment("churn", first, 1, live=live)))
        if live:
            self.run(20)
        self.want(spec)

    @property
    def stored(self) -> Stored:
        """What is on disk."""
        return msgspec.json.decode(self._store, type=Stored)

    @property
    def rollout(self) -> Rollout:
        """Its last rollout."""
        found = self.stored.rollout
        assert found is not None
        return found

    @property
    def shares(self) -> Mapping[int, int]:
        """Basis points by version, as routed by the newest plan."""
        routed = transitions.routed(self.stored.deployment, self.stored.rollout)
        return routed.by_version if routed else {}

    @property
    def kinds(self) -> list[str]:
        """Which decisions were made, in order."""
        return [type(each.decision).__name__ for each in self.stored.decisions]

    def want(self, spec: DeploymentSpec) -> None:
        """Apply another deployment."""
        stored = self.stored
        known = stored.deployment
        self._keep(replace(stored, deployment=replace(known, spec=spec, generation=known.generation + 1)))

    def wish(self, wish: Wish) -> None:
        """Ask for something by hand."""
        self._keep(replace(self.stored, wish=wish))

    def run(self, seconds: float, until: Callable[[Loop], bool] = lambda loop: False) -> float:
        """Let time pass until something is the case; returns how many seconds did."""
        passed = 0.0
        while passed < seconds and not until(self):
            self.clock.go_on(self.seconds)
            passed += self.seconds
            self.serve()
            self.mangle(self)
            self.reconcile()
        return passed

    def until(self, *phases: str, within: float) -> None:
        """Run until the rollout is in one of these phases."""
        self.run(within, lambda loop: loop.stored.rollout is not None and loop.rollout.phase in phases)
        assert self.rollout.phase in phases, self.rollout

    def look(self) -> Outcome:
        """What one pass comes to, written nowhere."""
        stored, now = self.stored, self.clock.now()
        situation = Situation(
            stored.deployment,
            stored.wish,
            "someone",
            stored.rollout,
            stored.evidence,
            [status for name, status in self.ledger.newest.items() if not self._replica(name).silent],
            self.ledger.sums,
            f"r{stored.begun + 1}",
            now,
        )
        return passes.take(situation, strategy)

    def reconcile(self) -> None:
        """One pass, its plan, and what is kept of both."""
        stored, outcome = self.stored, self.look()
        plan = self._plan(stored, outcome)
        evidence = outcome.evidence
        routed = transitions.routed(outcome.deployment, outcome.rollout)
        shares = (*routed.shares, *routed.shadows) if routed else ()
        if shares != evidence.shares:
            evidence = replace(evidence, shares=shares, routed=plan.revision, adopted=False)
        began = outcome.rollout is not None and (
            stored.rollout is None or outcome.rollout.id != stored.rollout.id
        )
        decided = (outcome.decided,) if outcome.decided else ()
        self._keep(
            Stored(
                outcome.deployment,
                outcome.rollout,
                evidence,
                outcome.wish,
                (*(() if began else stored.decisions), *decided),
                plan,
                stored.begun + began,
            )
        )

    def _plan(self, stored: Stored, outcome: Outcome) -> ServingPlan:
        number = stored.plan.revision.number + 1 if stored.plan else 1
        rollouts = {"churn": outcome.rollout} if outcome.rollout else {}
        made = compose.compose(
            [outcome.deployment],
            rollouts,
            VERSIONS,
            Revision(1, number),
            locate=lambda digest: f"file:///{digest}",
            before=stored.plan,
        )
        assert not made.refused
        same = stored.plan is not None and (made.plan.slots, made.plan.endpoints) == (
            stored.plan.slots,
            stored.plan.endpoints,
        )
        return stored.plan if stored.plan is not None and same else made.plan

    def serve(self) -> None:
        """Replicas follow the plan, answer for a while, and report."""
        plan, now = self.stored.plan, self.clock.now()
        for replica in self.replicas:
            if plan is not None:
                replica.take(plan, now)
            replica.tick(now)
            requests = int(self._random.poisson(self.rate * self.seconds / len(self.replicas)))
            self.lost += replica.answer("churn", requests, self.behaviours, self._random)
            if not replica.silent:
                self.ledger.hear(replica.report(now))

    def _replica(self, name: str) -> Replica:
        return next(replica for replica in self.replicas if replica.name == name)

    def _keep(self, stored: Stored) -> None:
        self._store = msgspec.json.encode(stored)


VERSIONS = {
    f"churn:{number}": Version("churn", number, f"{number:064x}", f"{number:064x}", 1_000)
    for number in range(1, 6)
}
