"""A thousand models in one worker, and RELIABILITY 46 in full length: each prints what it measured."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.acceptance.models import dummy, mixed, numbers, renamed, row, texts
from tests.acceptance.rawclient import Raw, post
from tests.acceptance.served import Served, serve, summing
from tests.acceptance.test_many_models import lazy, load_and_unload

from modelport.serving.settings import GIB, MIB, Settings
from modelport.testing.replica import eventually, make_plan, publish

pytestmark = pytest.mark.slow
MODELS = 1000
IDLE = 10.0


def thousand(folder: Path) -> dict[str, bytes]:
    """A request to each of a thousand bundles in `folder`: numbers, mixed rows and texts in turn."""
    kinds = [
        (numbers(folder / "numbers"), row()),
        (mixed(folder / "mixed"), {"tenure": 3.0, "plan": "gold"}),
        (texts(folder / "texts"), "free pills at noon"),
    ]
    asked = {}
    for at in range(MODELS):
        bundle, item = kinds[at % len(kinds)]
        renamed(bundle, folder / f"m{at:04}.bundle", f"m{at:04}")
        asked[f"m{at:04}"] = post(f"/v1/models/m{at:04}/predict", {"input": item})
    return asked


def milliseconds(one: Served, asked: dict[str, bytes]) -> list[float]:
    """What each first request took, in order of size."""
    taken = []
    with Raw(one.url) as raw:
        for request in asked.values():
            began = time.perf_counter()
            assert raw.ask(request).status == 200
            taken.append(1e3 * (time.perf_counter() - began))
    return sorted(taken)


def test_a_thousand_models_share_one_worker_and_give_their_memory_back(tmp_path: Path) -> None:
    asked = thousand(tmp_path)
    bundles = (dummy(tmp_path / "base", "base"), *map(str, sorted(tmp_path.glob("m*.bundle"))))
    settings = Settings(bundles=bundles, port=0, memory=GIB, preload=False, unload_idle=IDLE)
    began = time.monotonic()
    with serve(tmp_path, settings, summing("base")) as one:
        started, start = time.monotonic() - began, one.resident()
        taken = milliseconds(one, asked)
        full, models = one.resident(), one.metric("modelport_model_memory_bytes")
        eventually(lambda: one.metric("modelport_model_loaded") == 0, 6 * IDLE)
        time.sleep(3)
        empty = one.resident()
        p50, p99 = taken[len(taken) // 2], taken[int(0.99 * len(taken))]
        print(f"\n{MODELS} models: answering after {started:.1f} s with {start / MIB:.0f} MiB")
        print(f"first requests: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {taken[-1]:.1f} ms")
        print(f"all loaded: {full / MIB:.0f} MiB, of which models as measured {models / MIB:.0f} MiB")
        print(f"none loaded: {empty / MIB:.0f} MiB, {100 * (empty / start - 1):+.1f} % of the start")
        assert p99 <= 100
        assert empty <= 1.1 * start


def test_46_eight_threads_of_fifty_loads_and_unloads_end_as_the_last_one_said(tmp_path: Path) -> None:
    bundle, plans = dummy(tmp_path / "d.bundle", "d"), tmp_path / "plan.json"
    publish(plans, lazy(make_plan(1, base=bundle)))
    with serve(tmp_path, Settings(plan=str(plans), port=0), summing("base")) as one:
        load_and_unload(one, plans, bundle, rounds=50)
