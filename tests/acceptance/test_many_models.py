"""Many models in one worker: loaded when they are asked, let go when memory is short, never half there."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import msgspec
import pytest
from tests.acceptance.models import dummy, renamed, wide
from tests.acceptance.rawclient import Raw, post, request
from tests.acceptance.served import Served, serve, summing

from modelport.core.plan import ServingPlan
from modelport.serving.settings import MIB, Settings
from modelport.testing.replica import Replica, eventually, make_plan, publish

MODELS = 200


def asking(name: str, item: list[float]) -> bytes:
    return post(f"/v1/models/{name}/predict", {"input": item})


def lazy(plan: ServingPlan) -> ServingPlan:
    slots = tuple(msgspec.structs.replace(slot, pinned=False) for slot in plan.slots)
    return msgspec.structs.replace(plan, slots=slots)


@pytest.fixture(scope="module")
def copies(bundles: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """200 real bundles under names of their own."""
    folder = tmp_path_factory.mktemp("many")
    return [renamed(bundles["numbers"], folder / f"m{at}.bundle", f"m{at}") for at in range(MODELS)]


@pytest.fixture
def cold(copies: list[str], item: list[float], tmp_path: Path) -> Iterator[Served]:
    """All of them served; none loaded but the first, which the fixture asks, and `m1`, which is pinned."""
    settings = Settings(bundles=tuple(copies), port=0, memory=256 * MIB, preload=False, pin=("m1",))
    with serve(tmp_path, settings, asking("m0", item)) as one:
        yield one


def states(one: Served) -> dict[str, str]:
    slots = one.ask(request("GET", "/debug/plan")).json()["slots"]
    return {name: slot["state"] for name, slot in slots.items()}


def test_models_are_loaded_by_their_first_request_and_answer_as_the_others(
    cold: Served, item: list[float]
) -> None:
    assert [name for name, state in states(cold).items() if state == "ready"] == ["m0:1", "m1:1"]
    assert cold.ask(request("GET", "/v2/models/m7/ready")).json() == {"name": "m7", "ready": True}
    assert cold.ask(request("GET", "/v2/models/m7")).status == 200
    with Raw(cold.url) as raw:
        answers = [raw.ask(asking(f"m{at}", item)) for at in range(MODELS)]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["prediction"] for answer in answers}) == 1
    assert cold.metric("modelport_model_loaded") == MODELS
    assert cold.metric("modelport_model_loads_total") == MODELS - 1
    assert cold.metric("modelport_cold_requests_total", model="m1") == 0
    taken = cold.ask(request("GET", "/debug/plan")).json()["memory"]
    assert taken["models"] == cold.metric("modelport_model_memory_bytes") < taken["budget"]


def test_a_hundred_first_requests_at_once_load_each_model_once(cold: Served, item: list[float]) -> None:
    names = [f"m{2 + at % 10}" for at in range(100)]
    with ThreadPoolExecutor(25) as callers:
        answers = list(callers.map(lambda name: cold.ask(asking(name, item)), names))
    assert {answer.status for answer in answers} == {200}
    assert cold.metric("modelport_model_loads_total") == 1 + 10


def test_memory_is_filled_at_the_start_as_far_as_it_reaches(
    copies: list[str], item: list[float], tmp_path: Path
) -> None:
    settings = Settings(bundles=tuple(copies[:40]), port=0, memory=2 * MIB)
    with serve(tmp_path, settings, asking("m0", item)) as one:
        eventually(lambda: one.metric("modelport_model_loaded") > 10)
        with Raw(one.url) as raw:
            for at in range(40):
                assert raw.ask(asking(f"m{at}", item)).status == 200
        assert one.metric("modelport_model_memory_bytes") <= 2 * MIB
        assert one.metric("modelport_model_evictions_total") > 10


def test_a_bundle_that_breaks_after_the_start_fails_its_own_requests_until_it_is_mended(
    copies: list[str], bundles: dict[str, str], item: list[float], tmp_path: Path
) -> None:
    frail = Path(renamed(bundles["numbers"], tmp_path / "frail.bundle", "frail"))
    graph = frail / "model" / "graph.onnx"
    settings = Settings(bundles=(copies[0], str(frail)), port=0, memory=256 * MIB, preload=False)
    with serve(tmp_path, settings, asking("m0", item)) as one, one.unharmed():
        whole = graph.read_bytes()
        graph.write_bytes(whole[:-1] + b"!")
        broken = one.ask(asking("frail", item))
        assert (broken.status, broken.code) == (503, "load-failed")
        assert "digest" in broken.json()["detail"]
        assert broken.headers["retry-after"] == "1"
        one.clean(broken)
        assert states(one)["frail:1"] == "failed"
        assert one.ask(request("GET", "/v2/models/frail/ready")).status == 503
        graph.write_bytes(whole)
        eventually(lambda: one.ask(asking("frail", item)).status == 200)
        assert one.metric("modelport_model_load_failures_total", model="frail") >= 1


def test_a_model_larger_than_the_memory_is_refused_with_both_numbers(
    copies: list[str], item: list[float], tmp_path: Path
) -> None:
    settings = Settings(bundles=(copies[0], copies[1]), port=0, memory=1000, pin=("m0",))
    with serve(tmp_path, settings, asking("m0", item)) as one, one.unharmed():
        refused = one.ask(asking("m1", item))
        assert (refused.status, refused.code) == (503, "model-too-large")
        assert one.running.events("pinned models exceed the memory")


def test_a_text_is_cut_by_a_model_that_was_not_there(bundles: dict[str, str], tmp_path: Path) -> None:
    body = {"input": "free pills at noon", "parameters": {"max_tokens": 2}}
    asked = post("/v1/models/texts/predict", body)
    settings = Settings(
        bundles=(bundles["texts"], bundles["faulty"]), port=0, unload_idle=3600, preload=False
    )
    with serve(tmp_path, settings, summing("faulty")) as one:
        first, second = one.ask(asked).json(), one.ask(asked).json()
    assert first["truncated"]
    assert first["confidence"] == second["confidence"]


def test_models_that_nobody_asks_for_go_and_come_again(bundles: dict[str, str], tmp_path: Path) -> None:
    settings = Settings(bundles=(bundles["faulty"],), port=0, unload_idle=0.2)
    with serve(tmp_path, settings, summing("faulty")) as one:
        eventually(lambda: one.metric("modelport_model_evictions_total") >= 1)
        eventually(lambda: set(states(one).values()) == {"verified"})
        one.serves()


def test_a_model_that_ends_whoever_loads_it_is_given_up_after_two(
    copies: list[str], item: list[float], tmp_path: Path
) -> None:
    """Its first call costs the worker that loads it; so does the second; then it is known."""
    fatal = dummy(tmp_path / "fatal.bundle", "fatal", delay_ms=20_000)
    known = (copies[0], dummy(tmp_path / "d.bundle", "d"), fatal)
    settings = Settings(bundles=known, port=0, memory=64 * MIB, preload=False)
    with serve(tmp_path, settings, asking("m0", item)) as one:
        for deaths in (1, 2):
            with Raw(one.url) as raw:
                raw.send(summing("fatal"))
                eventually(lambda: states(one)["fatal:1"] == "loading")
                os.kill(one.running.pids()[-1], signal.SIGKILL)
                eventually(lambda: len(one.running.pids()) == deaths + 1)  # noqa: B023 - at once
                eventually(lambda: one.metric("modelport_model_load_deaths_total") == deaths)  # noqa: B023
        refused = one.ask(summing("fatal"))
        assert (refused.status, refused.code) == (503, "load-failed")
        one.clean(refused)
        one.serves()


def together(threads: int, work: Callable[[], None]) -> None:
    """Run `work` in that many threads; fails as soon as one does."""
    with ThreadPoolExecutor(threads) as executor:
        for done in [executor.submit(work) for _ in range(threads)]:
            done.result()


def load_and_unload(one: Served, plans: Path, bundle: str, rounds: int) -> None:
    """RELIABILITY 46: who publishes a plan waits until it, or a later one, is in effect."""
    numbers, lock, there = count(2), threading.Lock(), {}

    def change() -> None:
        for _ in range(rounds):
            with lock:
                number = next(numbers)
                there[number] = number % 3 > 0
                known = {"swap": bundle} if there[number] else {}
                publish(plans, lazy(make_plan(number, base=bundle, **known)))
            if there[number]:
                assert one.ask(summing("swap")).status in {200, 404}
            eventually(lambda: in_effect(one.running) >= number)  # noqa: B023 - at once

    together(8, change)
    last = max(there)
    eventually(lambda: one.ask(summing("swap")).status == (200 if there[last] else 404))
    assert in_effect(one.running) == last


def in_effect(running: Replica) -> int:
    """Number of the plan that was committed last."""
    return max(int(event["revision"].split("-")[1]) for event in running.events("plan committed"))


def test_46_loads_and_unloads_at_the_same_time_end_as_the_last_one_said(tmp_path: Path) -> None:
    bundle, plans = dummy(tmp_path / "d.bundle", "d"), tmp_path / "plan.json"
    publish(plans, lazy(make_plan(1, base=bundle)))
    with serve(tmp_path, Settings(plan=str(plans), port=0), summing("base")) as one:
        load_and_unload(one, plans, bundle, rounds=3)


def test_46_two_models_that_need_the_same_memory_take_turns(item: list[float], tmp_path: Path) -> None:
    """Every request of one model pushes out the other; none fails, and neither is lost."""
    bundle = wide(tmp_path / "wide.bundle")
    pair = [renamed(bundle, tmp_path / f"{name}.bundle", name) for name in ("left", "right")]
    settings = Settings(bundles=tuple(pair), port=0, memory=7 * MIB)
    with serve(tmp_path, settings, asking("left", item)) as one:
        turns = count()

        def ask() -> None:
            with Raw(one.url) as raw:
                for _ in range(10):
                    name = "left" if next(turns) % 2 else "right"
                    assert raw.ask(asking(name, item)).status == 200

        together(8, ask)
        assert one.metric("modelport_model_loaded") == 1
        assert one.metric("modelport_model_evictions_total") > 5
