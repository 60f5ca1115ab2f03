"""Replicas, a row for each of their lives, and the sums of what they counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import PlanStatus
from modelport.db.rows import text, upsert
from modelport.db.tables import replicas, tallies

_STATUS = msgspec.json.Decoder(PlanStatus)
_COUNTERS = msgspec.json.Decoder(dict[str, Outcomes])
_OUTCOMES = msgspec.json.Decoder(Outcomes)


class Life(msgspec.Struct, frozen=True):
    """One life of a replica.

    Attributes:
        status: its newest report, without its counters.
        counters: as it reported them last.
        began, seen: when its first and its newest report came (seconds since the epoch).
    """

    status: PlanStatus
    counters: Mapping[str, Outcomes]
    began: float
    seen: float


def lives(connection: Connection, fleet: str, names: Iterable[str]) -> list[Life]:
    """All lives of some replicas, locked until the transaction ends."""
    where = (replicas.c.fleet == fleet, replicas.c.replica.in_(sorted(names)))
    query = sa.select(replicas).where(*where).order_by(replicas.c.replica, replicas.c.incarnation)
    return [_read(row) for row in connection.execute(query.with_for_update())]


def newest(connection: Connection, fleet: str) -> list[Life]:
    """Of every replica of a fleet the life that was heard of last, by name. Its counters are left out."""
    columns = [column for column in replicas.c if column.name != "counters"]
    query = sa.select(*columns).where(replicas.c.fleet == fleet)
    found: dict[str, Life] = {}
    for row in connection.execute(query.order_by(replicas.c.replica, replicas.c.seen)):
        found[row.replica] = Life(_STATUS.decode(row.document), {}, row.began, row.seen)
    return list(found.values())


def put(connection: Connection, fleet: str, some: Iterable[Life]) -> None:
    """Write lives, new or gone on."""
    upsert(connection, replicas, *(_row(fleet, life) for life in some))


def forget(connection: Connection, fleet: str, before: float) -> None:
    """Let go of lives that nobody heard of since `before`; what they counted stays in the sums."""
    connection.execute(sa.delete(replicas).where(replicas.c.fleet == fleet, replicas.c.seen < before))


def tally(
    connection: Connection, fleet: str, slots: Iterable[str], *, lock: bool = False
) -> dict[str, Outcomes]:
    """All that was ever counted at each of the slots."""
    query = sa.select(tallies).where(tallies.c.fleet == fleet, tallies.c.slot.in_(sorted(slots)))
    ordered = query.order_by(tallies.c.slot)
    rows = connection.execute(ordered.with_for_update() if lock else ordered)
    return {row.slot: _OUTCOMES.decode(row.document) for row in rows}


def count(connection: Connection, fleet: str, added: Mapping[str, Outcomes]) -> None:
    """Add to the sums."""
    some = {slot: outcomes for slot, outcomes in added.items() if outcomes != NONE}
    if not some:
        return
    before = tally(connection, fleet, some, lock=True)
    after = {slot: before.get(slot, NONE).plus(some[slot]) for slot in sorted(some)}
    rows = ({"fleet": fleet, "slot": slot, "document": text(sum_)} for slot, sum_ in after.items())
    upsert(connection, tallies, *rows)


def _row(fleet: str, life: Life) -> dict[str, Any]:
    status = msgspec.structs.replace(life.status, counters={})
    return {
        "fleet": fleet,
        "replica": status.replica,
        "incarnation": status.incarnation,
        "began": life.began,
        "seen": life.seen,
        "sequence": status.sequence,
        "document": text(status),
        "counters": text(life.counters),
    }


def _read(row: Any) -> Life:
    return Life(_STATUS.decode(row.document), _COUNTERS.decode(row.counters), row.began, row.seen)
