"""Rows of artifacts: where a registration and the garbage collection take turns."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.db import rows
from modelport.db.tables import artifacts, versions


class Artifact(msgspec.Struct, frozen=True):
    """An artifact that is, or may be, in the store: digest, bytes, when it was last meant to be used."""

    digest: str
    size: int
    touched: float


def touch(connection: Connection, digest: str, size: int, at: float) -> None:
    """Note that a registration uses it, and hold its row until the transaction ends."""
    rows.upsert(connection, artifacts, {"digest": digest, "size": size, "touched": at})


def adopt(connection: Connection, digest: str, size: int, at: float) -> None:
    """Note one that lies in the store without a row; one that has a row is left as it is."""
    rows.add(connection, artifacts, {"digest": digest, "size": size, "touched": at})


def unused(connection: Connection, before: float) -> Iterator[Artifact]:
    """Those that no version has and no registration touched since."""
    named = sa.exists().where(versions.c.artifact == artifacts.c.digest)
    for row in connection.execute(sa.select(artifacts).where(artifacts.c.touched < before, ~named)):
        yield Artifact(row.digest, row.size, row.touched)


def hold(connection: Connection, digest: str) -> Artifact | None:
    """The row, which nobody else takes until the transaction ends; None where it is gone."""
    row = connection.execute(
        sa.select(artifacts).where(artifacts.c.digest == digest).with_for_update()
    ).first()
    return None if row is None else Artifact(row.digest, row.size, row.touched)


def drop(connection: Connection, digest: str) -> None:
    """Remove the row of one that is held."""
    connection.execute(sa.delete(artifacts).where(artifacts.c.digest == digest))


def named(connection: Connection, digest: str) -> tuple[str, ...]:
    """Ids of all versions, of any project, that have this artifact."""
    mine = sa.select(versions.c.model, versions.c.number).where(versions.c.artifact == digest)
    return tuple(f"{row.model}:{row.number}" for row in connection.execute(mine))


def sizes(connection: Connection) -> dict[str, int]:
    """Bytes of every artifact that a version has, by digest."""
    pairs = sa.select(versions.c.artifact, versions.c.size).distinct()
    return {row.artifact: row.size for row in connection.execute(pairs)}


def known(connection: Connection, digest: str) -> bool:
    """Whether there is a row."""
    found = sa.select(sa.literal(1)).where(artifacts.c.digest == digest)
    return connection.execute(found).first() is not None
