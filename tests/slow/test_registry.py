"""The registry under load: many processes on one model, and many models; each prints what it measured."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.registry import bundles, crash
from tests.slow.many import MODELS, filled
from tests.slow.timed import milliseconds

from modelport.core.wishes import NewModel, Registration
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.registry.registry import Registry
from modelport.registry.versions import Sought
from modelport.storage.local import LocalStore

pytestmark = pytest.mark.slow
PROCESSES, EACH = 16, 200
ANNA = Author("anna")


def opened(database: Database, folder: Path) -> Registry:
    return Registry(database, LocalStore(folder / "artifacts"), folder / "down", crash.Now(), crash.Nothing())


def register(url: str, folder: str, process: int) -> list[tuple[int, bool, float]]:
    """What one process does: number, whether it was made, and seconds of each registration."""
    database = Database(url)
    registry = opened(database, Path(folder))
    found = []
    for turn in range(EACH):
        bundle = bundles.made(Path(folder, f"new-{process}"), process * EACH + turn)
        start = time.perf_counter()
        version, made = registry.register(ANNA, "churn", bundle, Registration())
        found.append((version.number, made, time.perf_counter() - start))
    database.close()
    return found


def test_16_processes_make_3200_versions_without_a_gap(database: Database, tmp_path: Path) -> None:
    url = database.url.render_as_string(hide_password=False)
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        words = [(url, str(tmp_path), process) for process in range(PROCESSES)]
        found = [each for part in pool.starmap(register, words) for each in part]
    took = time.perf_counter() - start
    assert sorted(number for number, _, _ in found) == list(range(1, PROCESSES * EACH + 1))
    assert all(made for _, made, _ in found)
    seconds = sorted(each for _, _, each in found)
    print(
        f"{len(found)} versions in {took:.0f} s; each: median {seconds[len(seconds) // 2] * 1e3:.0f}"
        f" ms, p99 {seconds[len(seconds) * 99 // 100] * 1e3:.0f} ms, at most {seconds[-1] * 1e3:.0f} ms"
    )
    assert list(opened(database, tmp_path).damaged()) == []


def test_10000_models_are_listed_and_searched(database: Database, tmp_path: Path) -> None:
    filled(database)
    registry = opened(database, tmp_path)
    last = registry.models("default", text="99", limit=50).items[-1]
    assert last.name.startswith("model-")
    cursor = registry.models("default", limit=500).next
    assert len(registry.models("default", text="9999").items) == 1
    assert len(registry.models("default", tags={"team": "team-7"}, limit=500).items) == MODELS // 50
    looks: dict[str, Callable[[], object]] = {
        "first page": lambda: registry.models("default"),
        "page in the middle": lambda: registry.models("default", limit=100, cursor=cursor),
        "text": lambda: registry.models("default", text="9999TH"),
        "text that nothing has": lambda: registry.models("default", text="nothing has it"),
        "tag": lambda: registry.models("default", tags={"team": "team-7"}),
        "tag that nothing has": lambda: registry.models("default", tags={"team": "none"}),
        "versions of one": lambda: registry.versions("default", "model-05000"),
        "versions by metric": lambda: registry.versions(
            "default", "model-05000", sought=Sought(at_least={"accuracy": 0.5})
        ),
        "version by alias or label": lambda: registry.version("default", "model-05000", "latest"),
    }
    for name, look in looks.items():
        print(f"{name}: {milliseconds(look):.1f} ms")
    registry.create_model(ANNA, NewModel("one-more"))
