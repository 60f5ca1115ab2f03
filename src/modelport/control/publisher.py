"""Makes a plan the newest of its fleet: in the transaction of what it carries out, under the lease.

A plan that says nothing new is not published. What was published is also written to the artifact store, so
that a replica can start while the control plane is away; that copy follows the database and never leads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.control.store import fleets, plans
from modelport.core import faults
from modelport.core.plan import Revision, ServingPlan, check
from modelport.db.connect import Database
from modelport.db.tables import about


class Documents(Protocol):
    """Where small documents are put under a name: the artifact store."""

    def write(self, name: str, data: bytes) -> None:
        """Replace the document of that name as a whole."""
        ...


def publish(
    connection: Connection, names: Sequence[str], make: Callable[[Revision], ServingPlan], now: float
) -> Revision | None:
    """Check and keep the plan that `make` makes of its revision, for the fleets of a project; None when it
    says what their newest says.

    The caller's transaction has compared the lease. Raises `PlanRefused`, and then nothing is kept.
    """
    newest = [plans.newest(connection, fleet) for fleet in names]
    last = max((plan.revision for plan in newest if plan is not None), default=None)
    revision = following(epoch(connection), last)
    plan = check(make(revision))
    if all(_says_the_same(plan, known) for known in newest):
        return None
    for fleet in names:
        plans.add(connection, fleet, plan, now)
    faults.point("publisher.kept")
    return revision


def behind(
    connection: Connection, names: Sequence[str], make: Callable[[Revision], ServingPlan]
) -> list[str]:
    """The fleets whose newest plan says something else than the one that `make` makes. Keeps nothing."""
    newest = {fleet: plans.newest(connection, fleet) for fleet in names}
    last = max((plan.revision for plan in newest.values() if plan is not None), default=None)
    plan = make(following(epoch(connection), last))
    served = bool(plan.slots or plan.endpoints)
    return [
        fleet
        for fleet, known in newest.items()
        if not _says_the_same(plan, known) and (served or known is not None)
    ]


def following(epoch: int, newest: Revision | None) -> Revision:
    """The revision after the newest; the first one of an epoch that began since."""
    if newest is None or newest.epoch < epoch:
        return Revision(epoch, 1)
    return Revision(newest.epoch, newest.number + 1)


def epoch(connection: Connection) -> int:
    """The epoch of this database: a restore raises it, so that its plans beat all that were made before."""
    return int(connection.scalar(sa.select(about.c.value).where(about.c.name == "epoch")) or 1)


class Copies:
    """Keeps the copies in the artifact store: `plans/{fleet}/latest.json`. Used by one thread."""

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents
        self._written: dict[str, Revision] = {}

    def follow(self) -> None:
        """Write the newest plan of every fleet whose copy is older. Raises what the store raises; the next
        call tries again."""
        with self._database.reading() as connection:
            stale = [fleet for fleet, _ in fleets.every(connection) if self._is_stale(connection, fleet)]
            found = [(fleet, plans.newest(connection, fleet)) for fleet in stale]
        for fleet, plan in found:
            if plan is not None:
                self._documents.write(f"plans/{fleet}/latest.json", msgspec.json.encode(plan))
                self._written[fleet] = plan.revision

    def _is_stale(self, connection: Connection, fleet: str) -> bool:
        newest = plans.revision(connection, fleet)
        return newest is not None and self._written.get(fleet) != newest


def _says_the_same(plan: ServingPlan, known: ServingPlan | None) -> bool:
    """Whether a replica that has the known one has nothing to do; of another epoch it is told anew."""
    if known is None or known.revision.epoch != plan.revision.epoch:
        return False
    return (plan.slots, plan.endpoints) == (known.slots, known.endpoints)
