"""Rollouts with the evidence folded into them, and every decision that was made about them."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.control.evidence import Evidence
from modelport.core.rollout import Decided, Rollout
from modelport.db.rows import text, upsert
from modelport.db.tables import decisions, rollouts

_ROLLOUT = msgspec.json.Decoder(Rollout)
_EVIDENCE = msgspec.json.Decoder(Evidence)
_DECIDED = msgspec.json.Decoder(Decided)


class Kept(msgspec.Struct, frozen=True):
    """A rollout as it is stored: where it stands, and what it stands on."""

    rollout: Rollout
    evidence: Evidence


def get(connection: Connection, project: str, rollout: str) -> Kept | None:
    """A rollout by its id, or None."""
    where = (rollouts.c.project == project, rollouts.c.id == rollout)
    row = connection.execute(sa.select(rollouts).where(*where)).first()
    return _read(row) if row else None


def put(connection: Connection, project: str, kept: Kept) -> None:
    """Write it, new or changed."""
    row = {
        "id": kept.rollout.id,
        "project": project,
        "endpoint": kept.rollout.spec.endpoint,
        "document": text(kept.rollout),
        "evidence": text(kept.evidence),
    }
    upsert(connection, rollouts, row)


def of_endpoint(
    connection: Connection, project: str, endpoint: str, *, before: str | None, limit: int
) -> list[Kept]:
    """Those of an endpoint, the newest first, older than the rollout `before`."""
    where = [rollouts.c.project == project, rollouts.c.endpoint == endpoint]
    if before is not None:
        where.append(rollouts.c.id < before)
    query = sa.select(rollouts).where(*where).order_by(rollouts.c.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def some(connection: Connection, ids: list[str]) -> dict[str, Rollout]:
    """Those of the ids that there are, by id."""
    found: dict[str, Rollout] = {}
    for start in range(0, len(ids), 500):  # databases bound how many values a statement names
        query = sa.select(rollouts.c.id, rollouts.c.document).where(
            rollouts.c.id.in_(ids[start : start + 500])
        )
        found.update((row.id, _ROLLOUT.decode(row.document)) for row in connection.execute(query))
    return found


def decide(connection: Connection, rollout: str, decided: Decided) -> None:
    """Keep a decision; a number that is there already is refused by the database."""
    row = {"rollout": rollout, "number": decided.number, "at": decided.at, "document": text(decided)}
    connection.execute(sa.insert(decisions).values(**row))


def decided(connection: Connection, rollout: str, after: int = 0, limit: int = 500) -> list[Decided]:
    """The decisions about a rollout, from number `after` + 1 on."""
    where = (decisions.c.rollout == rollout, decisions.c.number > after)
    query = sa.select(decisions.c.document).where(*where).order_by(decisions.c.number).limit(limit)
    return [_DECIDED.decode(row.document) for row in connection.execute(query)]


def _read(row: Any) -> Kept:
    return Kept(_ROLLOUT.decode(row.document), _EVIDENCE.decode(row.evidence))
