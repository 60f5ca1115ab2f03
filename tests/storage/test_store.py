"""What every store promises, shown of a folder and of a bucket."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelport.errors import BundleCorrupt, NameInvalid, NotFound, SettingsError
from modelport.storage.address import artifact_url, parse_artifact
from modelport.storage.local import LocalStore
from modelport.storage.store import Store
from modelport.storage.urls import fetch, open_store

SIZES = (0, 1, 1 << 20, (16 << 20) + 1)
"""The last one travels in parts."""


def made(folder: Path, data: bytes) -> tuple[Path, str]:
    file = folder / f"{len(data)}.bundle"
    file.write_bytes(data)
    return file, hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_is_got(store: Store, tmp_path: Path, size: int) -> None:
    file, digest = made(tmp_path, os.urandom(size))
    assert store.size(digest) is None
    assert store.put(file, digest)
    assert store.size(digest) == size
    target = tmp_path / "got"
    target.write_bytes(b"before")
    store.get(digest, target)
    assert target.read_bytes() == file.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600


def test_the_same_bytes_are_kept_once(store: Store, tmp_path: Path) -> None:
    file, digest = made(tmp_path, b"model")
    assert [store.put(file, digest) for _ in range(3)] == [True, False, False]
    assert [(kept.digest, kept.size) for kept in store.kept()] == [(digest, 5)]


def test_it_says_when_an_artifact_came(store: Store, tmp_path: Path) -> None:
    store.put(*made(tmp_path, b"model"))
    (kept,) = store.kept()
    assert abs(kept.modified - time.time()) < 60


@pytest.mark.parametrize("size", SIZES[1:])
def test_bytes_of_another_digest_never_show(store: Store, tmp_path: Path, size: int) -> None:
    file, _ = made(tmp_path, os.urandom(size))
    with pytest.raises(BundleCorrupt) as caught:
        store.put(file, "0" * 64)
    assert caught.value.code == "digest-mismatch"
    assert store.size("0" * 64) is None
    assert list(store.kept()) == []


def test_what_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        store.get("0" * 64, tmp_path / "got")
    assert caught.value.code == "artifact-absent"
    assert not (tmp_path / "got").exists()


def test_deleting_is_final_and_may_be_repeated(store: Store, tmp_path: Path) -> None:
    file, digest = made(tmp_path, b"model")
    store.put(file, digest)
    store.delete(digest)
    store.delete(digest)
    assert store.size(digest) is None
    assert list(store.kept()) == []
    assert store.put(file, digest)


def test_many_writers_of_the_same_bytes_are_one(store: Store, tmp_path: Path) -> None:
    file, digest = made(tmp_path, os.urandom(1 << 18))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.put(file, digest), range(16)))
    store.get(digest, tmp_path / "got")
    assert [kept.digest for kept in store.kept()] == [digest]


def test_a_document_is_the_last_one_written(store: Store) -> None:
    assert store.read("plans/local/latest.json") is None
    store.write("plans/local/latest.json", b"{}")
    store.write("plans/local/latest.json", b'{"revision": 2}')
    assert store.read("plans/local/latest.json") == b'{"revision": 2}'
    assert list(store.kept()) == []


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "plans/../x", "plans//x", "a/./b", "plans/\0", "%2e%2e/x", "sha256/ab/c"],
)
def test_no_name_leads_out_of_the_store(store: Store, name: str) -> None:
    with pytest.raises(NameInvalid):
        store.write(name, b"x")
    with pytest.raises(NameInvalid):
        store.read(name)


@pytest.mark.parametrize(
    "digest", ["", "../" * 20, "0" * 63, "A" * 64, "0" * 63 + "/", "0" * 65, "0" * 64 + "\n"]
)
def test_only_digests_name_artifacts(store: Store, tmp_path: Path, digest: str) -> None:
    file, _ = made(tmp_path, b"model")
    for call in (store.size, store.delete):
        with pytest.raises(NameInvalid):
            call(digest)
    with pytest.raises(NameInvalid):
        store.get(digest, tmp_path / "got")
    with pytest.raises(NameInvalid):
        store.put(file, digest)


def test_the_url_of_an_artifact_is_enough_to_fetch_it(store: Store, tmp_path: Path) -> None:
    file, digest = made(tmp_path, b"model")
    store.put(file, digest)
    url = artifact_url(store.url, digest)
    assert parse_artifact(url) == (store.url, digest)
    fetch(url, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"model"
    assert open_store(store.url).size(digest) == 5


@pytest.mark.parametrize(
    "url",
    [
        "", "artifacts", "/srv/models", "file://host/models", "file:models", "http://host/models", "s3://",
        "s3://key:secret@bucket/x", "file:///models?x=1", "s3://bucket/x#y", "ftp://x/y",
    ],
)  # fmt: skip
def test_a_url_of_no_store_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_store(url)
    assert caught.value.code == "bad-store"
    assert "secret" not in str(caught.value)


def test_a_folder_with_odd_letters_has_a_url_too(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20ü#?"
    store = open_store(LocalStore(folder).url)
    store.write("plan", b"x")
    assert (folder / "plan").read_bytes() == b"x"
