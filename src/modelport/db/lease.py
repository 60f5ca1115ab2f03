"""The lease: of several control planes on one database, one acts.

Time decides who may try, a number who may write: each new holder has a higher fence, and every write of the
holder compares it in its own transaction (`check`). So a holder that slept through the end of its lease is
refused, whatever its clock says. (M. Kleppmann, "How to do distributed locking", 2016: fencing tokens.)
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.db.dialect import insert
from modelport.db.tables.lease import lease
from modelport.errors import Overloaded

SECONDS = 5.0
"""How long a lease lasts unless it is renewed."""


class Lease(msgspec.Struct, frozen=True):
    """What a holder has: the lease's name, who it is, and its fence."""

    name: str
    holder: str
    fence: int


def acquire(
    connection: Connection, name: str, holder: str, now: float, seconds: float = SECONDS
) -> Lease | None:
    """The lease, taken or renewed; None while another holds it. `now` is in seconds since the epoch."""
    free = insert(connection, lease).values(name=name, holder="", fence=0, until=0.0)
    connection.execute(
        free.on_conflict_do_nothing()
    )  # so that there is a row to lock, also for the first two
    row = connection.execute(sa.select(lease).where(lease.c.name == name).with_for_update()).one()
    if row.holder != holder and row.until > now:
        return None
    fence = row.fence if row.holder == holder else row.fence + 1
    connection.execute(
        sa.update(lease).where(lease.c.name == name).values(holder=holder, fence=fence, until=now + seconds)
    )
    return Lease(name, holder, fence)


def check(connection: Connection, held: Lease) -> None:
    """Raise `Overloaded` (`not-leader`) unless it is still held; keeps it until the transaction ends."""
    row = connection.execute(sa.select(lease).where(lease.c.name == held.name).with_for_update()).first()
    if row is None or (row.holder, row.fence) != (held.holder, held.fence):
        msg = "another control plane has taken over"
        raise Overloaded(msg, code="not-leader", hint="nothing was written; the other one acts now")


def release(connection: Connection, held: Lease) -> None:
    """Let another have it at once."""
    connection.execute(
        sa.update(lease)
        .where(lease.c.name == held.name, lease.c.holder == held.holder, lease.c.fence == held.fence)
        .values(until=0.0)
    )
