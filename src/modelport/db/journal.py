"""The journal: append-only, each entry chained to the one before, so that a removed or changed one shows.

The digest is SHA-256 over the canonical JSON of the entry with `previous` in it and `digest` left empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.records import Entry
from modelport.db.dialect import take_turn
from modelport.db.tables.journal import journal

GENESIS = "0" * 64
"""What the first entry stands after."""
_TURN = 7355609
"""Number of the lock that appending takes."""


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    """On whose behalf something is written: name of the key, project, request and its address."""

    actor: str
    project: str = "default"
    request_id: str = ""
    address: str = ""


def append(
    connection: Connection,
    author: Author,
    action: str,
    resource: str,
    *,
    at: float,
    detail: Mapping[str, Any] | None = None,
    result: str = "ok",
) -> Entry:
    """Add an entry in the transaction of what it tells of: both are there, or neither is."""
    take_turn(connection, _TURN)
    newest = sa.select(journal.c.number, journal.c.digest).order_by(journal.c.number.desc()).limit(1)
    last = connection.execute(newest).first()
    number, previous = (last.number, last.digest) if last else (0, GENESIS)
    entry = Entry(
        number + 1,
        at,
        author.actor,
        action,
        resource,
        author.project,
        detail or {},
        author.request_id,
        author.address,
        result,
        previous,
    )
    sealed = msgspec.structs.replace(entry, digest=digest(entry))
    connection.execute(sa.insert(journal).values(**_row(sealed)))
    return sealed


def digest(entry: Entry) -> str:
    """SHA-256 of an entry and of what stands before it, in hex."""
    bare = {**msgspec.structs.asdict(entry), "digest": ""}  # every field: which are left out must not matter
    return hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()


def broken(entries: Iterator[Entry]) -> Entry | None:
    """The first entry that was changed, or before which one is missing; None when the chain holds."""
    number, previous = 0, GENESIS
    for entry in entries:
        if (entry.number, entry.previous) != (number + 1, previous) or entry.digest != digest(entry):
            return entry
        number, previous = entry.number, entry.digest
    return None


def read(row: Any) -> Entry:
    """An entry from its row."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented access by name
    return Entry(**{**values, "detail": msgspec.json.decode(values["detail"])})


def _row(entry: Entry) -> dict[str, Any]:
    values = msgspec.structs.asdict(entry)
    return {**values, "detail": msgspec.json.encode(entry.detail, order="sorted").decode()}
