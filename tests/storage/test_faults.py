"""Stores in trouble: no room, changed bytes, killed writers, a bucket that refuses, hangs or is gone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tests.storage import s3

from modelport.errors import BundleCorrupt, ModelportError, Overloaded, StorageError
from modelport.storage.address import place
from modelport.storage.local import LocalStore
from modelport.storage.objects import ObjectStore
from modelport.storage.urls import open_store


def put(store: LocalStore, folder: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    (folder / "file").write_bytes(data)
    store.put(folder / "file", digest)
    return digest


@pytest.mark.parametrize("at", [0, 1000, (1 << 20) + 5, -1])
def test_a_changed_byte_is_found_and_nothing_is_handed_on(tmp_path: Path, at: int) -> None:
    store = LocalStore(tmp_path / "artifacts")
    digest = put(store, tmp_path, os.urandom((1 << 20) + 10))
    file = tmp_path / "artifacts" / place(digest)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    with pytest.raises(BundleCorrupt) as caught:
        store.get(digest, tmp_path / "got")
    assert caught.value.code == "digest-mismatch"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "file"]


def test_a_cut_artifact_is_put_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "artifacts")
    digest = put(store, tmp_path, b"model")
    (tmp_path / "artifacts" / place(digest)).write_bytes(b"mod")
    assert store.put(tmp_path / "file", digest)
    store.get(digest, tmp_path / "got")


def test_without_room_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """A child whose files may not grow beyond 100 kB stands for a full disk."""
    said = run(
        tmp_path,
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            store.put(file, digest)
        except Exception as error:
            print(error.code, error.status)
        print([path.name for path in folder.rglob("*") if path.is_file()])
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        print(store.put(file, digest))
        """,
    )
    assert said.stdout.splitlines() == ["disk-full 507", "[]", "True"], said.stderr


def test_what_a_killed_writer_left_is_not_seen_and_is_swept(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        import os, signal
        from modelport.storage import whole
        def dies(pieces):
            yield next(iter(pieces))
            os.kill(os.getpid(), signal.SIGKILL)
        whole.write(folder / "sha256" / digest[:2] / f"{digest}.bundle", dies([b"half"]))
        """,
    )
    assert said.returncode == -9
    store = LocalStore(tmp_path / "artifacts")
    assert list(store.kept()) == []
    assert store.sweep(time.time() - 3600) == 0  # it may still be written
    assert store.sweep(time.time() + 3600) == 1
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """What a child says that has a store and a file of 1 MiB to put there."""
    start = f"""
    import hashlib
    from pathlib import Path
    from modelport.storage.local import LocalStore
    folder = Path({str(folder / "artifacts")!r})
    store = LocalStore(folder)
    file = Path({str(folder / "file")!r})
    file.write_bytes(bytes(1 << 20))
    digest = hashlib.sha256(bytes(1 << 20)).hexdigest()
    """
    program = textwrap.dedent(start) + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def every_call(url: str, folder: Path) -> list[ModelportError]:
    """What each call of a store in trouble raises."""
    store = ObjectStore(url, patience=0.2)
    (folder / "file").write_bytes(b"model")
    digest = hashlib.sha256(b"model").hexdigest()
    errors = []
    for call in (
        lambda: store.put(folder / "file", digest),
        lambda: store.get(digest, folder / "got"),
        lambda: store.delete(digest),
        lambda: list(store.kept()),
        lambda: store.write("plan", b"x"),
        lambda: store.read("plan"),
    ):
        with pytest.raises(ModelportError) as caught:
            call()
        errors.append(caught.value)
    return errors


@pytest.mark.parametrize("status", [503, 0])
def test_a_bucket_out_of_reach_is_said_after_a_few_tries(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.broken(status) as (address, came):
        s3.lead(address, monkeypatch)
        errors = every_call("s3://models", tmp_path)
    assert {(type(error), error.code) for error in errors} == {(Overloaded, "storage-unavailable")}
    assert len(came) <= 6 * 6
    assert not any(word in str(error) for error in errors for word in ("127.0.0.1", "Status", "/"))


def test_a_server_that_is_gone_is_out_of_reach_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.broken(500) as (address, _):
        pass
    s3.lead(address, monkeypatch)
    assert {error.code for error in every_call("s3://models", tmp_path)} == {"storage-unavailable"}


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_said_at_once(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.broken(status) as (address, came):
        s3.lead(address, monkeypatch)
        errors = every_call("s3://models", tmp_path)
    assert {(type(error), error.code) for error in errors} == {(StorageError, "storage-denied")}
    assert len(came) == 6


def test_writing_to_a_bucket_that_is_not_there_says_so(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.lead(server, monkeypatch)
    with pytest.raises(StorageError) as caught:
        open_store("s3://nothing-here").write("plan", b"x")
    assert caught.value.code == "bucket-absent"


def test_a_changed_object_is_found(bucket: str, tmp_path: Path) -> None:
    import obstore

    store = ObjectStore(bucket)
    (tmp_path / "file").write_bytes(b"model")
    digest = hashlib.sha256(b"model").hexdigest()
    store.put(tmp_path / "file", digest)
    obstore.put(store._remote, place(digest), b"modeL")
    with pytest.raises(BundleCorrupt):
        store.get(digest, tmp_path / "got")
    assert not (tmp_path / "got").exists()
