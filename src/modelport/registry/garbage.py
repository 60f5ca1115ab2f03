"""Artifacts that nothing needs: no version, no deployment, no fresh upload.

An artifact is taken in a transaction that holds its row, which a registration waits for. So it is either
taken before a registration looks for it, and then put again; or a version has it, and it is no garbage.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy.engine import Connection

from modelport.core import faults
from modelport.core.sights import Collected
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.registry import artifacts
from modelport.registry.artifacts import Artifact
from modelport.registry.uses import Uses
from modelport.storage.store import Kept, Store

GRACE = 24 * 3600.0
"""Seconds since an artifact was last put or touched, in which it may still become a version's."""


class Round(msgspec.Struct, frozen=True):
    """One collection: on whose behalf, where, what uses artifacts, the time, and before when they came."""

    author: Author
    store: Store
    uses: Uses
    at: float
    before: float


def collect(database: Database, this: Round, *, dry_run: bool) -> Collected:
    """Remove what nothing needs, and tell the journal; a dry run only tells what would go.

    Raises what the store raises; what was taken until then is gone, the rest is left for the next round.
    """
    kept = list(this.store.kept())
    with database.reading() as connection:
        found = _unneeded(connection, this, kept)
    if dry_run:
        return _told(found, dry_run=True)
    this.store.sweep(this.at - GRACE)  # whatever the grace: nobody must lose the file he is writing
    taken = [each for each in found if _taken(database, this, each)]
    if taken:
        database.write(lambda connection: _note(connection, this, _told(taken)))
    return _told(taken)


def _unneeded(connection: Connection, this: Round, kept: Sequence[Kept]) -> list[Artifact]:
    """Those without use that have a row, and those that lie in the store without one."""
    needed = set(this.uses.artifacts(connection))
    stray = [each for each in kept if each.modified < this.before]
    found = {each.digest: Artifact(each.digest, each.size, each.modified) for each in stray}
    for digest in list(found):
        if artifacts.known(connection, digest):
            del found[digest]
    found |= {each.digest: each for each in artifacts.unused(connection, this.before)}
    return [each for digest, each in sorted(found.items()) if digest not in needed]


def _taken(database: Database, this: Round, garbage: Artifact) -> bool:
    return database.write(lambda connection: _take(connection, this, garbage))


def _take(connection: Connection, this: Round, garbage: Artifact) -> bool:
    """Remove bytes and row, unless it found a use meanwhile."""
    digest = garbage.digest
    artifacts.adopt(connection, digest, garbage.size, garbage.touched)
    held = artifacts.hold(connection, digest)
    if held is None or held.touched >= this.before or artifacts.named(connection, digest):
        return False
    if digest in this.uses.artifacts(connection):
        return False
    this.store.delete(digest)
    faults.point("garbage.deleted")
    artifacts.drop(connection, digest)
    return True


def _note(connection: Connection, this: Round, collected: Collected) -> None:
    detail = {"artifacts": collected.artifacts, "bytes": collected.bytes}
    journal.append(connection, this.author, "garbage.collect", "artifacts", at=this.at, detail=detail)


def _told(found: Sequence[Artifact], *, dry_run: bool = False) -> Collected:
    return Collected(tuple(each.digest for each in found), sum(each.size for each in found), dry_run)
