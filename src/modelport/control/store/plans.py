"""Plans by fleet and revision; of the older ones the last hundred are kept, to be looked at."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.plan import Revision, ServingPlan, digest
from modelport.db.rows import text
from modelport.db.tables import plans as table

KEPT = 100
_BY_AGE = (table.c.epoch.desc(), table.c.number.desc())
_DECODER = msgspec.json.Decoder(ServingPlan)


def newest(connection: Connection, fleet: str) -> ServingPlan | None:
    """The plan of the highest revision, or None before the first."""
    query = sa.select(table.c.document).where(table.c.fleet == fleet).order_by(*_BY_AGE)
    document = connection.scalar(query.limit(1))
    return _DECODER.decode(document) if document else None


def revision(connection: Connection, fleet: str) -> Revision | None:
    """The highest revision there is."""
    query = sa.select(table.c.epoch, table.c.number).where(table.c.fleet == fleet).order_by(*_BY_AGE)
    row = connection.execute(query.limit(1)).first()
    return Revision(row.epoch, row.number) if row else None


def add(connection: Connection, fleet: str, plan: ServingPlan, now: float) -> None:
    """Keep it; a revision that is there already is refused by the database."""
    revision = plan.revision
    row = {"fleet": fleet, "epoch": revision.epoch, "number": revision.number, "at": now}
    connection.execute(sa.insert(table).values(**row, digest=digest(plan), document=text(plan)))
    old = (table.c.fleet == fleet, table.c.epoch == revision.epoch, table.c.number <= revision.number - KEPT)
    connection.execute(sa.delete(table).where(*old))
