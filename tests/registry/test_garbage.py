"""Garbage and damage: what nothing needs goes, what is needed stays, what was changed is found."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.registry import bundles
from tests.registry.conftest import Clock, Deployed

from modelport.core.wishes import Registration
from modelport.db.journal import Author
from modelport.errors import BundleCorrupt
from modelport.registry.garbage import GRACE
from modelport.registry.registry import Registry
from modelport.storage.address import place
from modelport.storage.local import LocalStore

ANNA = Author("anna")
PLAIN = Registration()


def stored(store: LocalStore) -> set[str]:
    return {kept.digest for kept in store.kept()}


def stray(store: LocalStore, folder: Path, data: bytes, at: float) -> str:
    """An artifact in the store that no row knows, put at this time."""
    digest = hashlib.sha256(data).hexdigest()
    (folder / "stray").write_bytes(data)
    store.put(folder / "stray", digest)
    os.utime(folder / "artifacts" / place(digest), (at, at))
    return digest


def test_only_what_nothing_needs_goes_and_a_dry_run_tells_it_first(
    registry: Registry, store: LocalStore, tmp_path: Path, clock: Clock, deployed: Deployed
) -> None:
    kept, gone, planned = (
        registry.register(ANNA, "churn", bundles.made(tmp_path / "new", factor), PLAIN)[0]
        for factor in (1, 2, 3)
    )
    registry.delete_version(ANNA, "churn", "2")
    registry.delete_version(ANNA, "churn", "3")
    deployed.digests = {planned.artifact}  # a replica may still read an older plan
    old = stray(store, tmp_path, b"left by a killed upload", clock.at)
    assert registry.collect(ANNA, dry_run=False).artifacts == ()  # too fresh
    clock.at += GRACE + 1
    young = stray(store, tmp_path, b"arrives right now", clock.at)
    would = registry.collect(ANNA, dry_run=True)
    assert set(would.artifacts) == {gone.artifact, old}
    assert would.bytes == gone.size + len(b"left by a killed upload")
    assert stored(store) == {kept.artifact, gone.artifact, planned.artifact, old, young}
    did = registry.collect(ANNA, dry_run=False)
    assert (did.artifacts, did.bytes, did.dry_run) == (would.artifacts, would.bytes, False)
    assert stored(store) == {kept.artifact, planned.artifact, young}
    assert registry.collect(ANNA, dry_run=False).artifacts == ()
    assert registry.bundle("default", "churn", "1").is_file()


def test_an_artifact_of_another_projects_version_stays(
    registry: Registry, store: LocalStore, tmp_path: Path, clock: Clock
) -> None:
    file = bundles.made(tmp_path / "new")
    registry.register(ANNA, "churn", file, PLAIN)
    registry.register(Author("ben", "shop"), "loss", file, PLAIN)
    registry.delete_model(ANNA, "churn")
    clock.at += GRACE + 1
    assert registry.collect(ANNA, dry_run=False).artifacts == ()
    assert registry.bundle("shop", "loss", "1").is_file()


def test_a_registration_and_a_collection_at_once_never_lose_an_artifact(
    registry: Registry, store: LocalStore, tmp_path: Path, clock: Clock
) -> None:
    """The same bundle is registered and deleted over and over while collections without grace run."""
    file = bundles.made(tmp_path / "new")
    clock.at += 1

    def register(turn: int) -> None:
        registry.register(ANNA, f"model-{turn % 4}", file, PLAIN)
        if turn % 2:
            registry.delete_model(ANNA, f"model-{turn % 4}")

    with ThreadPoolExecutor(6) as threads:
        rounds = [threads.submit(registry.collect, ANNA, dry_run=False, grace=0.0) for _ in range(10)]
        errors = [each.exception() for each in [threads.submit(register, turn % 4) for turn in range(20)]]
        for each in rounds:
            each.result()
    codes = {getattr(error, "code", repr(error)) for error in errors if error is not None}
    assert codes <= {"model-not-found"}
    for model in registry.models("default").items:
        for version in registry.versions("default", model.name).items:
            assert store.size(version.artifact) == version.size


def test_a_changed_byte_is_found_and_registering_again_mends_it(
    registry: Registry, store: LocalStore, tmp_path: Path
) -> None:
    file = bundles.made(tmp_path / "new")
    version, _ = registry.register(ANNA, "churn", file, PLAIN)
    gone, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 2), PLAIN)
    assert list(registry.damaged()) == []
    artifact = tmp_path / "artifacts" / place(version.artifact)
    data = bytearray(artifact.read_bytes())
    data[100] ^= 1
    artifact.write_bytes(data)
    store.delete(gone.artifact)
    with pytest.raises(BundleCorrupt) as caught:
        registry.bundle("default", "churn", "1")
    assert caught.value.code == "digest-mismatch"
    found = {each.problem: each for each in registry.damaged()}
    assert found["digest-mismatch"].versions == ("churn:1",)
    assert found["artifact-absent"].versions == ("churn:2",)
    for each in found.values():
        registry.clear(each)
    registry.register(ANNA, "churn", file, PLAIN)
    assert [each.versions for each in registry.damaged()] == [("churn:2",)]


def test_a_download_that_was_changed_on_this_machine_is_fetched_again(
    registry: Registry, tmp_path: Path
) -> None:
    file = bundles.made(tmp_path / "new")
    registry.register(ANNA, "churn", file, PLAIN)
    registry.bundle("default", "churn", "1").write_bytes(b"changed")
    assert registry.bundle("default", "churn", "1").read_bytes() == file.read_bytes()
    for old in (tmp_path / "downloads").iterdir():
        os.utime(old, (0, 0))
    registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 2), PLAIN)
    registry.bundle("default", "churn", "2")
    assert len(list((tmp_path / "downloads").iterdir())) == 1
