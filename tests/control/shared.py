"""What tests of the control plane share: a clock that is turned by hand, and a registry of three versions."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from modelport.control.service import Service
from modelport.control.store import fleets
from modelport.core.evidence import Outcomes
from modelport.core.fleet import EndpointStatus, PlanStatus, SlotStatus
from modelport.core.plan import Revision
from modelport.core.records import Version
from modelport.db.connect import Database
from modelport.db.journal import Author
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


def no_access(connection: Connection, fleet: str) -> int:
    return 0


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
