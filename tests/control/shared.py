"""What tests of the control plane share: a clock that is turned by hand, and a registry of three versions."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlalchemy.engine import Connection

from modelport.control.bell import Bell
from modelport.control.fleet import Fleets
from modelport.control.publisher import Copies
from modelport.control.reconciler import Reconciler
from modelport.control.rounds import Means
from modelport.control.service import Service
from modelport.control.spools import Spools
from modelport.control.store import fleets, plans
from modelport.control.strategies.base import strategy
from modelport.core import latency
from modelport.core.clock import Clock as AnyClock
from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import EndpointStatus, PlanStatus, SlotStatus
from modelport.core.plan import Revision, ServingPlan
from modelport.core.records import Version
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.keys import Keys
from modelport.errors import NotFound

ANNA = Author("anna", request_id="r-1", address="127.0.0.1")


class Clock:
    """Stands still until it is turned."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Versions:
    """A registry of models with versions 1 to 3 of one contract."""

    def version(self, project: str, model: str, ref: str) -> Version:
        number = int(ref.rpartition(":")[2])
        if model != "churn" or number > 3:
            msg = f"there is no {model}:{number}"
            raise NotFound(msg)
        return Version(model, number, f"{number:064x}", f"{number:064x}", 1, contract="same")


class Calls:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def service(database: Database, clock: Clock | None = None, wake: Calls | None = None) -> Service:
    return Service(database, Versions(), clock or Clock(), wake or Calls())


def fleets_of(database: Database, clock: AnyClock) -> Fleets:
    """Fleets whose replicas ship nothing."""
    spools = Spools(Path(tempfile.gettempdir()) / "modelport-no-spools")
    return Fleets(database, clock, Keys(database, clock), spools, published=Bell(), wake=Calls())


def with_fleet(database: Database, name: str = fleets.LOCAL, project: str = "default") -> None:
    database.write(lambda to: fleets.add(to, name, project))


def status(
    sequence: int,
    counters: Mapping[str, Outcomes] | None = None,
    *,
    replica: str = "r1",
    incarnation: str = "a",
    slots: Mapping[str, SlotStatus] | None = None,
    revision: Revision | None = None,
    endpoint: str = "churn",
) -> PlanStatus:
    return PlanStatus(
        replica,
        incarnation,
        sequence,
        counters=counters or {},
        slots=slots or {},
        endpoints={endpoint: EndpointStatus(revision)},
        ready=True,
    )


class Shelf:
    """The catalog of the same registry."""

    def some(
        self, connection: Connection, project: str, wanted: Iterable[tuple[str, int]]
    ) -> Mapping[str, Version]:
        known = [(model, number) for model, number in wanted if model == "churn"]
        found = [Versions().version(project, model, str(number)) for model, number in known]
        return {version.id: version for version in found}


def means() -> Means:
    return Means(Shelf(), "file:///artifacts/{}".format, strategy, itertools.count(1).__next__)


class Nowhere:
    """Documents that are kept nowhere."""

    def write(self, name: str, data: bytes) -> None:
        pass


def reconciler(database: Database, clock: Clock, holder: str = "one") -> Reconciler:
    return Reconciler(
        database, means(), clock, holder=holder, copies=Copies(database, Nowhere()), published=Calls()
    )


class Replica:
    """A replica that does as it is told: loads every slot, takes every route, counts what it is given.

    Attributes:
        broken: versions that fail to load.
        faults: of a version, how many of a hundred requests are faults.
    """

    def __init__(self, database: Database, clock: AnyClock, name: str = "r1") -> None:
        self.fleets = fleets_of(database, clock)
        self.database = database
        self.name = name
        self.broken: set[int] = set()
        self.faults: dict[int, int] = {}
        self.counters: dict[str, Outcomes] = {}
        self.sequence = 0

    def plan(self) -> ServingPlan | None:
        with self.database.reading() as connection:
            return plans.newest(connection, "local")

    def shares(self, endpoint: str = "churn") -> dict[str, int]:
        plan = self.plan()
        routes = {each.name: each.route.shares for each in plan.endpoints} if plan else {}
        return {share.slot: share.weight for share in routes.get(endpoint, ())}

    def serve(self, requests: int) -> None:
        """Answer requests as they are split, and count them."""
        for slot, weight in self.shares().items():
            count = requests * weight // 10_000
            faults = count * self.faults.get(int(slot.removesuffix("~control")[-1]), 0) // 100
            latencies = {latency.bucket(5_000_000): count}
            more = Outcomes(count, 0, count, count, faults, latencies)
            self.counters[slot] = self.counters.get(slot, NONE).plus(more)

    def report(self) -> None:
        plan = self.plan()
        if plan is None:
            return
        self.sequence += 1
        self.fleets.report(
            "default",
            "local",
            PlanStatus(
                self.name,
                "a",
                self.sequence,
                wanted=plan.revision,
                endpoints={each.name: EndpointStatus(plan.revision) for each in plan.endpoints},
                slots={slot.id: self._slot(slot.version) for slot in plan.slots},
                counters=self.counters,
                ready=True,
            ),
        )

    def _slot(self, version: int) -> SlotStatus:
        return SlotStatus("failed", "no such operator") if version in self.broken else SlotStatus("ready")
