"""A whole control plane, saved while it runs and begun again elsewhere, on the same engine or the other."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests import databases
from tests.databases import Kind
from tests.registry import bundles

from modelport.assembly.platform import Platform, Where, platform
from modelport.core.access import matches, parse_key
from modelport.core.plan import ServingPlan
from modelport.core.wishes import NewKey, Registration
from modelport.db.backup.restore import restore
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.errors import SettingsError
from modelport.storage.urls import open_store

ANNA = Author("anna")


class Now:
    """Implements `core.clock.Clock`."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def until(found: Callable[[], ServingPlan | None]) -> ServingPlan:
    deadline = time.monotonic() + 60
    while (plan := found()) is None or not plan.slots:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return plan


def plan(running: Platform) -> ServingPlan:
    return until(lambda: running.fleet.plan("default", "local"))


def serve_something(running: Platform, folder: Path) -> None:
    version, _ = running.registry.register(ANNA, "churn", bundles.made(folder / "made"), Registration())
    running.deployments.deploy(ANNA, "churn", str(version.number))
    running.secrets.put(ANNA, "token", "hidden")


@pytest.mark.parametrize(("before", "after"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_it_goes_on_where_it_was_in_a_new_epoch(tmp_path: Path, before: Kind, after: Kind) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old = Where(tmp_path / "old" / "state", databases.url(before, tmp_path / "old"))
    with platform(old, Now()) as running:
        serve_something(running, tmp_path)
        wanted = plan(running)
        archive = b"".join(running.backup.stream())
        running.keys.create(ANNA, NewKey("late", "viewer"))
        access = running.fleet.access("default", "local")
        first_key = running.first_key

    new = Where(tmp_path / "new" / "state", databases.url(after, tmp_path / "new"))
    new.folder.mkdir()
    with closing(Database(str(new.database))) as database:
        store = open_store((new.folder.resolve() / "artifacts").as_uri())
        found = restore(database, store, io.BytesIO(archive), time.time(), folder=new.folder)
    assert found.missing == ()

    with platform(new, Now()) as running:
        assert running.first_key is None  # the old key goes on
        parsed = parse_key(str(first_key))
        assert parsed is not None
        stored = running.keys.find(parsed[0])
        assert stored is not None
        assert matches(stored.entry, parsed[1])
        deadline = time.monotonic() + 60
        while plan(running).revision.epoch != found.epoch:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert plan(running).revision > wanted.revision
        assert [slot.id for slot in plan(running).slots] == [slot.id for slot in wanted.slots]
        assert running.fleet.access("default", "local").revision > access.revision
        assert running.registry.bundle("default", "churn", "1").is_file()
        assert all(
            check.ok
            for check in running.doctor.examine()
            if check.name in {"database", "journal", "artifacts"}
        )
        with pytest.raises(SettingsError):  # the key of the secrets is in no backup
            running.secrets.open("default", "token")
