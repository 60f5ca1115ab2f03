"""A control plane's state from a backup, into a database that is empty."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core import faults
from modelport.db import about, audit, journal, schema
from modelport.db.backup import manifest, rows
from modelport.db.backup.manifest import Manifest, Part
from modelport.db.backup.room import room
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables.keys import access
from modelport.errors import Conflict, StorageDamaged
from modelport.storage.store import Store

_CHUNK = 2**20


class Restored(msgspec.Struct, frozen=True):
    """What was restored: when the backup was made, the new epoch, rows and artifacts, and what it lacked."""

    made: float
    epoch: int
    rows: int
    artifacts: int
    missing: tuple[str, ...]


def restore(database: Database, store: Store, source: IO[bytes], now: float, *, folder: Path) -> Restored:
    """Take over all that a backup holds; the database becomes as it was, in a new epoch.

    `source` is read once, from its beginning to its end; `folder` has room for one artifact at a time.
    Everything is compared with its digest, and the journal with its chain. The database is written in one
    transaction: all of it is there, or nothing. Artifacts come first; those of a restore that failed are
    garbage, which is collected.

    Raises `Conflict` (`restore-not-empty`), `StorageDamaged` (`backup-damaged`), `SettingsError`
    (`backup-malformed`, `backup-too-new`, `schema-too-new`), and as `Store.put` does.
    """
    with database.reading() as connection:
        _check_empty(connection)
    try:
        with room(), tarfile.open(fileobj=source, mode="r|") as archive:
            return _take_over(database, store, archive, now, folder)
    except tarfile.TarError as error:
        msg = "it is cut or no tar archive"
        raise _damaged(msg) from error


def _take_over(
    database: Database, store: Store, archive: tarfile.TarFile, now: float, folder: Path
) -> Restored:
    found = _manifest(archive)
    schema.refuse_unknown(found.schema)
    for part in found.artifacts:
        with _put_down(archive, manifest.artifact(part.name), part, folder) as file:
            store.put(file, part.name)
        faults.point("restore.artifact")
    with database.writing() as connection:
        count = _load(connection, archive, found, folder)
        epoch = _begin_epoch(connection, found, now)
    return Restored(found.made, epoch, count, len(found.artifacts), found.missing)


def _check_empty(connection: Connection) -> None:
    if sa.inspect(connection).get_table_names():
        msg = "there is something in the database already"
        hint = "restore into a new folder or an empty database, then start the control plane there"
        raise Conflict(msg, code="restore-not-empty", hint=hint)


def _manifest(archive: tarfile.TarFile) -> Manifest:
    info = archive.next()
    if info is None or info.name != manifest.NAME or info.size > manifest.LONGEST:
        raise manifest.malformed()
    return manifest.read(b"".join(_chunks(archive, info)))


def _load(connection: Connection, archive: tarfile.TarFile, found: Manifest, folder: Path) -> int:
    """Make the tables as they were, fill them, take the steps that have come since; how many rows."""
    _check_empty(connection)
    schema.climb(connection, found.schema)
    tables = {table.name: table for table in rows.tables(connection)}
    _clear(connection, tables)
    count = 0
    for part in found.tables:
        if part.name not in tables:
            raise manifest.malformed()
        with _put_down(archive, manifest.table(part.name), part, folder) as file, file.open("rb") as lines:
            count += rows.load(connection, tables[part.name], lines)
        faults.point("restore.table")
    schema.climb(connection)
    _check_chain(connection)
    return count


def _clear(connection: Connection, tables: dict[str, sa.Table]) -> None:
    """Take out what the steps of the schema put in themselves."""
    for table in tables.values():
        connection.execute(sa.delete(table))


def _begin_epoch(connection: Connection, found: Manifest, now: float) -> int:
    """Plans and keys of this control plane beat all that were published before."""
    epoch = about.next_epoch(connection, now)
    connection.execute(sa.update(access).values(revision=about.first_revision(epoch)))
    detail = {"made": found.made, "from_epoch": found.epoch, "epoch": epoch}
    journal.append(connection, Author("control"), "control.restore", "database", at=now, detail=detail)
    return epoch


def _check_chain(connection: Connection) -> None:
    entry = journal.broken(audit.chain(connection))
    if entry is not None:
        msg = f"entry {entry.number} of its journal does not follow from the one before"
        raise _damaged(msg)


@contextmanager
def _put_down(archive: tarfile.TarFile, name: str, part: Part, folder: Path) -> Iterator[Path]:
    """The next member, which must be this one, whole, as a file."""
    info = archive.next()
    if info is None:
        msg = "it is cut"
        raise _damaged(msg)
    if (info.name, info.size) != (name, part.size):
        raise manifest.malformed()
    with tempfile.NamedTemporaryFile(dir=folder, prefix="restore-") as file:
        digest = hashlib.sha256()
        for chunk in _chunks(archive, info):
            digest.update(chunk)
            file.write(chunk)
        if digest.hexdigest() != part.sha256:
            msg = f"{name} is not what its manifest says"
            raise _damaged(msg)
        file.flush()
        yield Path(file.name)


def _chunks(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    member = archive.extractfile(info)
    if member is None:
        raise manifest.malformed()
    left = info.size
    while chunk := member.read(min(_CHUNK, left)):
        left -= len(chunk)
        yield chunk
    if left:
        msg = "it is cut"
        raise _damaged(msg)


def _damaged(what: str) -> StorageDamaged:
    msg = f"the backup is damaged: {what}"
    return StorageDamaged(msg, code="backup-damaged", hint="nothing was restored; take another backup")
