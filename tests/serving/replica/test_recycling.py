"""A worker that has served long enough is replaced, and nobody notices: real processes under load."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer
from tests.acceptance.served import serve, summing, wait
from tests.acceptance.traffic import traffic

from modelport.serving.replica.recycling import YOUNG, Terms, Wear, reason
from modelport.serving.settings import Settings
from modelport.testing.replica import alive, eventually

GOOD = summing("one")


def ok(answer: Answer) -> str:
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    return "ok" if answer.json()["prediction"] == 3.0 else "wrong"


def test_without_terms_a_worker_serves_for_ever() -> None:
    assert not reason(Wear(10**9, 10**12, 10**9), Terms())


def test_requests_and_memory_wear_a_worker() -> None:
    terms = Terms(requests=1000, memory=500)
    assert not reason(Wear(999, 500, 1e6), terms)
    assert reason(Wear(1000, 0, 0.0), terms) == "1000 requests"
    assert reason(Wear(0, 501, YOUNG), terms) == "501 bytes of memory"


@given(st.integers(0, 10**9))
def test_a_worker_that_needs_more_from_the_start_is_not_replaced_again_and_again(memory: int) -> None:
    assert not reason(Wear(0, memory, YOUNG - 0.1), Terms(memory=1))


def test_workers_are_recycled_under_load_without_a_failed_request(tmp_path: Path) -> None:
    """Two models, so that a successor that let callers in too early would not know one of them."""
    bundles = tuple(dummy(tmp_path / f"{name}.bundle", name, delay_ms=1.0) for name in ("one", "two"))
    settings = Settings(bundles=bundles, port=0, workers=2, max_requests=150, max_requests_jitter=30)
    with serve(tmp_path, settings, GOOD) as one:
        requests = [GOOD, summing("two")]
        with traffic(one.url, requests, ok, rate=600, clients=8) as seen:
            eventually(lambda: len(one.running.events("worker recycled")) >= 4, 30.0)
        recycled = one.running.events("worker recycled")
        assert seen.failed == 0, seen.counts
        assert seen.counts["refused"] == 0
        assert {event["lost"] for event in recycled} == {0}
        assert not any(alive(event["pid"]) for event in recycled)
        assert not one.running.events("worker lost")
        assert one.metric("modelport_worker_recycles_total") >= 4
        assert one.metric("modelport_worker_restarts_total") == 0


def test_one_worker_at_a_time_is_replaced(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "one.bundle", "one")
    settings = Settings(bundles=(bundle,), port=0, workers=2, max_requests=50)
    with serve(tmp_path, settings, GOOD) as one:
        with traffic(one.url, [GOOD], ok, rate=400, clients=8):
            eventually(lambda: len(one.running.events("worker recycled")) >= 2, 30.0)
        events = [event["event"] for event in one.running.events()]
        worn = [at for at, name in enumerate(events) if name == "worker worn"]
        for first, second in pairwise(worn):
            assert events[first:second].count("worker started") == 1


def test_a_successor_that_does_not_come_up_leaves_the_old_one_in_its_place(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "one.bundle", "one")
    settings = Settings(bundles=(bundle,), port=0, max_requests=20)
    with serve(tmp_path, settings, GOOD) as one:
        old = one.running.pids()[0]
        with traffic(one.url, [GOOD], ok, rate=50, clients=2) as seen:
            eventually(lambda: len(one.running.pids()) == 2)
            os.kill(one.running.pids()[1], signal.SIGKILL)
            eventually(lambda: one.running.events("worker not recycled"))
            wait(0.3)
        assert seen.failed == 0, seen.counts
        assert alive(old)


def test_a_stop_while_a_successor_comes_leaves_nothing_behind(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "one.bundle", "one")
    settings = Settings(bundles=(bundle,), port=0, max_requests=5)
    with serve(tmp_path, settings, GOOD) as one:
        with traffic(one.url, [GOOD], ok, rate=100, clients=2, leave=True):
            eventually(lambda: one.running.events("worker worn"))
            one.running.signal(signal.SIGTERM)
            assert one.running.end() == 0
        assert not any(alive(pid) for pid in one.running.pids())
