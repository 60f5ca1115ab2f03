"""Backup and restore: everything is there again, in a new epoch, or nothing is."""

from __future__ import annotations

import hashlib
import io
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests import databases
from tests.databases import Kind
from tests.db.clock import Still
from tests.db.samples import row

from modelport.core.wishes import NewKey
from modelport.db import about, audit, journal, schema
from modelport.db.backup import manifest
from modelport.db.backup.restore import Restored, restore
from modelport.db.backup.write import Backup
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.keys import Keys
from modelport.db.sealing import Sealer
from modelport.db.secrets import Secrets
from modelport.db.tables import artifacts, lease, metadata, models, versions
from modelport.errors import Conflict, DiskFull, ModelportError, SettingsError, StorageDamaged
from modelport.storage.local import LocalStore

ANNA = Author("anna")
CLOCK = Still(2_000_000_000.0)
BUNDLE = b"a bundle" * 5000
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
SEALER = Sealer(bytes(32))


def fill(database: Database, store: LocalStore, folder: Path) -> None:
    """A model with a version, a key, a secret: text, numbers, bytes, JSON, nothing."""
    digest = hashlib.sha256(BUNDLE).hexdigest()
    (file := folder / "churn.bundle").write_bytes(BUNDLE)
    store.put(file, digest)
    with database.writing() as connection:
        connection.execute(sa.insert(artifacts).values(digest=digest, size=len(BUNDLE), touched=1.5))
        connection.execute(sa.insert(models).values(**row(models, name="churn")))
        connection.execute(sa.insert(versions).values(**row(versions, model="churn", artifact=digest)))
        connection.execute(sa.insert(lease).values(name="control", holder="a", fence=7, until=9e9))
        journal.append(connection, ANNA, "model.register", "churn:1", at=1.0, detail={"ü": [1.5, None]})
    Keys(database, CLOCK).create(ANNA, NewKey("shop", scopes=("infer:churn",)))
    Secrets(database, CLOCK, SEALER).put(ANNA, "token", "hidden")


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything, but for what a restore changes."""
    skipped = manifest.LEFT_OUT | {"about", "access", "journal"}
    with database.reading() as connection:
        return {
            table.name: [
                tuple(one) for one in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
            if table.name not in skipped
        }


def told(database: Database) -> list[str]:
    with database.reading() as connection:
        return [entry.action for entry in audit.chain(connection)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "artifacts")


@pytest.fixture
def filled(database: Database, store: LocalStore, tmp_path: Path) -> Database:
    fill(database, store, tmp_path)
    return database


def backup(database: Database, store: LocalStore, folder: Path) -> bytes:
    return b"".join(Backup(database, store, CLOCK, folder).stream())


@pytest.fixture
def archive(filled: Database, store: LocalStore, tmp_path: Path) -> bytes:
    return backup(filled, store, tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup of a file, for tests that only read it."""
    folder = tmp_path_factory.mktemp("ready")
    store = LocalStore(folder / "artifacts")
    with databases.fresh("sqlite", folder) as database:
        fill(database, store, folder)
        return backup(database, store, folder)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    (folder := tmp_path / "other").mkdir()
    with databases.fresh("sqlite", folder, migrated=False) as database:
        yield database


def restored(database: Database, archive: bytes, folder: Path, now: float = CLOCK.time) -> Restored:
    store = LocalStore(folder / "restored")
    return restore(database, store, io.BytesIO(archive), now, folder=folder)


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_was_there_is_there_again_on_either_engine(
    filled: Database, archive: bytes, tmp_path: Path, kind: Kind
) -> None:
    (folder := tmp_path / "other").mkdir()
    with databases.fresh(kind, folder, migrated=False) as database:
        found = restored(database, archive, folder)
        assert contents(database) == contents(filled)
        assert told(database) == [*told(filled), "control.restore"]
        assert not schema.upgrade(database)
        assert Secrets(database, CLOCK, SEALER).open("default", "token") == "hidden"
    assert (found.artifacts, found.missing) == (1, ())
    LocalStore(folder / "restored").get(hashlib.sha256(BUNDLE).hexdigest(), folder / "copy")
    assert (folder / "copy").read_bytes() == BUNDLE


def test_a_restore_begins_an_epoch_that_beats_all_before_whichever_backup_it_is_from(
    ready: bytes, tmp_path: Path
) -> None:
    epochs, keys = [], []
    for name, now in (("a", CLOCK.time), ("b", CLOCK.time + 60), ("c", 5.0)):
        (folder := tmp_path / name).mkdir()
        with databases.fresh("sqlite", folder, migrated=False) as database:
            epochs.append(restored(database, ready, folder, now).epoch)
            with database.reading() as connection:
                assert about.epoch(connection) == epochs[-1]
            keys.append(Keys(database, CLOCK).snapshot("default").revision)
    assert 1 < epochs[0] < epochs[1] < keys[0] < keys[1]
    assert epochs[2] > 1  # a clock that is wrong does not keep it from going up


def test_the_lease_of_the_old_control_plane_is_not_restored(
    ready: bytes, empty: Database, tmp_path: Path
) -> None:
    restored(empty, ready, tmp_path)
    with empty.reading() as connection:
        assert connection.execute(sa.select(lease)).all() == []


def test_a_database_with_something_in_it_is_not_overwritten(
    filled: Database, archive: bytes, tmp_path: Path
) -> None:
    before = contents(filled)
    with pytest.raises(Conflict) as caught:
        restored(filled, archive, tmp_path)
    assert caught.value.code == "restore-not-empty"
    assert contents(filled) == before


def test_what_is_written_while_a_backup_is_made_is_not_in_it(
    filled: Database, store: LocalStore, empty: Database, tmp_path: Path
) -> None:
    stream = Backup(filled, store, CLOCK, tmp_path).stream()
    Keys(filled, CLOCK).create(ANNA, NewKey("late", "viewer"))
    restored(empty, b"".join(stream), tmp_path)
    assert [key.name for key in Keys(empty, CLOCK).list("default", limit=9).items] == ["shop"]


def test_a_backup_leaves_nothing_behind_also_when_nobody_takes_it_to_the_end(
    filled: Database, store: LocalStore, tmp_path: Path
) -> None:
    (folder := tmp_path / "scratch").mkdir()
    stream = Backup(filled, store, CLOCK, folder).stream()
    next(stream)
    stream.close()
    assert list(folder.iterdir()) == []


def test_an_artifact_that_is_not_there_is_named_and_the_rest_is_kept(
    filled: Database, store: LocalStore, empty: Database, tmp_path: Path
) -> None:
    digest = hashlib.sha256(BUNDLE).hexdigest()
    store.delete(digest)
    found = restored(empty, backup(filled, store, tmp_path), tmp_path)
    assert (found.artifacts, found.missing) == (0, (digest,))


@pytest.mark.parametrize("sixteenth", range(16))
def test_a_backup_that_was_cut_restores_nothing(
    ready: bytes, empty: Database, tmp_path: Path, sixteenth: int
) -> None:
    end = ready.rstrip(b"\0")  # what follows is padding
    with pytest.raises(ModelportError) as caught:
        restored(empty, end[: len(end) * sixteenth // 16], tmp_path)
    assert caught.value.code in {"backup-damaged", "backup-malformed"}
    with empty.reading() as connection:
        assert sa.inspect(connection).get_table_names() == []


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def packed(parts: dict[str, bytes]) -> bytes:
    to = io.BytesIO()
    with tarfile.open(fileobj=to, mode="w") as tar:
        for name, raw in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return to.getvalue()


def change_manifest(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        found = msgspec.json.decode(parts[manifest.NAME])
        parts[manifest.NAME] = msgspec.json.encode({**found, **changes})

    return change


def flip(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        (found,) = (one for one in parts if one.startswith(name))
        parts[found] = parts[found][:-3] + bytes([parts[found][-3] ^ 1]) + parts[found][-2:]

    return change


def forge_journal(parts: dict[str, bytes]) -> None:
    """Change an entry, and the manifest with it: only the chain tells."""
    raw = parts["tables/journal.jsonl"].replace(b"anna", b"eve_")
    parts["tables/journal.jsonl"] = raw
    found = manifest.read(parts[manifest.NAME])
    tables = tuple(
        msgspec.structs.replace(part, sha256=hashlib.sha256(raw).hexdigest())
        if part.name == "journal"
        else part
        for part in found.tables
    )
    parts[manifest.NAME] = msgspec.json.encode(msgspec.structs.replace(found, tables=tables))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (flip("tables/journal"), "backup-damaged"),
        (flip("artifacts/"), "backup-damaged"),
        (forge_journal, "backup-damaged"),
        (change_manifest(format=2), "backup-too-new"),
        (change_manifest(schema="9999"), "schema-too-new"),
        (change_manifest(surprise=1), "backup-malformed"),
        (lambda parts: parts.pop(manifest.NAME), "backup-malformed"),
        (lambda parts: parts.pop("tables/journal.jsonl"), "backup-malformed"),
        (change_manifest(artifacts=[]), "backup-malformed"),
    ],
)
def test_a_backup_that_is_not_what_it_says_restores_nothing(
    ready: bytes,
    empty: Database,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], object],
    code: str,
) -> None:
    parts = members(ready)
    change(parts)
    with pytest.raises(ModelportError) as caught:
        restored(empty, packed(parts), tmp_path)
    assert caught.value.code == code
    with empty.reading() as connection:
        assert sa.inspect(connection).get_table_names() == []


@pytest.mark.parametrize("raw", [b"", b"nothing", bytes(10_240), b"\x1f\x8b" + bytes(100)])
def test_a_file_that_is_no_backup_is_said_to_be_none(empty: Database, tmp_path: Path, raw: bytes) -> None:
    with pytest.raises((SettingsError, StorageDamaged)):
        restored(empty, raw, tmp_path)


def test_a_full_disk_is_said_before_the_first_byte(
    filled: Database, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelport.db.backup.rows.dump", full)
    with pytest.raises(DiskFull):
        Backup(filled, store, CLOCK, tmp_path).stream()


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


KILLED = """
import io, os, signal, sys
from pathlib import Path
from modelport.core import faults
from modelport.db.backup.restore import restore
from modelport.db.connect import Database
from modelport.storage.local import LocalStore
url, folder, archive, point, at = sys.argv[1:]
count = 0
def reached(name):
    global count
    count += name == point
    if count == int(at):
        os.kill(os.getpid(), signal.SIGKILL)
faults.arm(reached)
folder = Path(folder)
restore(Database(url), LocalStore(folder / "restored"), open(archive, "rb"), 2e9, folder=folder)
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("point", "at"), [("restore.artifact", 1), ("restore.table", 1), ("restore.table", 9)]
)
def test_a_restore_that_was_killed_left_nothing_and_can_be_done_again(
    ready: bytes, tmp_path: Path, kind: Kind, point: str, at: int
) -> None:
    (file := tmp_path / "backup.tar").write_bytes(ready)
    url = databases.url(kind, tmp_path)
    arguments = [url, str(tmp_path), str(file), point, str(at)]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    with closing(Database(url)) as database:
        restored(database, ready, tmp_path)
        assert told(database)[-1] == "control.restore"
