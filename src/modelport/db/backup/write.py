"""Making a backup while everything runs."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core import faults
from modelport.core.clock import Clock
from modelport.db import about, schema
from modelport.db.backup import manifest, rows
from modelport.db.backup.manifest import Manifest, Part
from modelport.db.backup.room import room
from modelport.db.connect import Database
from modelport.db.tables.artifacts import artifacts
from modelport.db.tables.versions import versions
from modelport.errors import BundleCorrupt, NotFound, StorageDamaged
from modelport.storage.store import Store

_CHUNK = 2**20


class Backup:
    """Makes backups. Thread-safe.

    Args:
        folder: where tables and one artifact at a time are put down meanwhile; nothing stays there.
    """

    def __init__(self, database: Database, store: Store, clock: Clock, folder: Path) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._folder = folder

    def stream(self) -> Generator[bytes]:
        """A tar archive of this moment; its manifest names the artifacts that the store could not give.

        Raises at once what keeps a backup from being made (`DiskFull`, `Overloaded`); what happens later cuts
        the archive, which a restore notices.
        """
        parts = self._parts()
        return _begun(next(parts), parts)

    def _parts(self) -> Generator[bytes]:
        with room(), tempfile.TemporaryDirectory(dir=self._folder, prefix="backup-") as folder:
            yield from self._archive(Path(folder))

    def _archive(self, folder: Path) -> Iterator[bytes]:
        with self._database.reading() as connection:
            found = self._look(connection, folder)
        raw = msgspec.json.encode(found)
        yield from _member(manifest.NAME, len(raw), found.made, iter([raw]))
        for part in found.artifacts:
            kept = self._store_copy(part, folder / "artifact")
            yield from _member(manifest.artifact(part.name), part.size, found.made, _read(kept))
            faults.point("backup.artifact")
        for part in found.tables:
            yield from _member(manifest.table(part.name), part.size, found.made, _read(folder / part.name))
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _look(self, connection: Connection, folder: Path) -> Manifest:
        """Put down the tables, and see which artifacts belong to them."""
        dumped = tuple(rows.dump(connection, table, folder / table.name) for table in rows.tables(connection))
        named = _artifacts(connection)
        missing = tuple(part.name for part in named if self._store.size(part.name) != part.size)
        return Manifest(
            manifest.FORMAT,
            self._clock.now(),
            str(schema.revision(connection)),
            about.epoch(connection),
            tuple(part for part in named if part.name not in missing),
            dumped,
            missing,
        )

    def _store_copy(self, part: Part, target: Path) -> Path:
        """The artifact on this machine, verified; one that is damaged cannot be part of a backup."""
        try:
            self._store.get(part.name, target)
        except (NotFound, BundleCorrupt) as error:
            msg = f"the artifact {part.name[:12]}… was lost while the backup was made, or is damaged"
            hint = "`modelport doctor` says which version it belongs to; register it again or delete it"
            raise StorageDamaged(msg, code="storage-damaged", hint=hint) from error
        return target


def _begun(first: bytes, rest: Generator[bytes]) -> Generator[bytes]:
    with closing(rest):
        yield first
        yield from rest


def _artifacts(connection: Connection) -> tuple[Part, ...]:
    """Those that versions name."""
    named = sa.select(artifacts.c.digest, artifacts.c.size)
    named = named.where(artifacts.c.digest.in_(sa.select(versions.c.artifact))).order_by(artifacts.c.digest)
    return tuple(Part(row.digest, row.size, row.digest) for row in connection.execute(named))


def _member(name: str, size: int, made: float, chunks: Iterator[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(made), 0o600
    yield info.tobuf(tarfile.PAX_FORMAT)
    yield from chunks
    yield bytes(-size % tarfile.BLOCKSIZE)


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk
