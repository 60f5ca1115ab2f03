"""RELIABILITY cases 36, 41, 44 and 45 in full length: each loop prints what it counted."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer, Raw
from tests.acceptance.served import serve, summing
from tests.acceptance.traffic import traffic

from modelport.serving.settings import Settings
from modelport.testing.replica import alive, eventually, make_plan, publish, replica

pytestmark = pytest.mark.slow
GOOD = summing("swap")


def judge(answer: Answer) -> str:
    """Names an answer of version n, which multiplies the sum of 1 and 2 by n."""
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    known = answer.json()
    return "ok" if known["prediction"] == 3.0 * known["version"] else "mixed"


def settings(folder: Path, workers: int = 2, delay_ms: float = 0.0, **more: float) -> Settings:
    """A plan file with version 1 of `swap`."""
    bundle = dummy(folder / "swap-1.bundle", "swap", delay_ms=delay_ms)
    plan = publish(folder / "plan.json", make_plan(1, swap=bundle))
    return Settings(plan=plan, port=0, workers=workers, **more)  # type: ignore[arg-type]


def test_41_sixty_hot_swaps_at_200_requests_per_second_fail_none(tmp_path: Path) -> None:
    with serve(tmp_path, settings(tmp_path), GOOD) as one:
        with traffic(one.url, [GOOD], judge, rate=200, clients=8) as seen:
            for number in range(2, 62):
                bundle = dummy(tmp_path / f"swap-{number}.bundle", "swap", factor=float(number))
                publish(tmp_path / "plan.json", make_plan(number, swap=bundle))
                eventually(lambda: one.ask(GOOD).json()["version"] == number)  # noqa: B023 - at once
        print(f"60 swaps: {seen.counts}")
        assert seen.failed == 0


def test_36_a_worker_killed_every_ten_seconds_costs_less_than_one_in_a_thousand(tmp_path: Path) -> None:
    with serve(tmp_path, settings(tmp_path), GOOD) as one, traffic(one.url, [GOOD], judge, rate=200) as seen:
        for _ in range(6):
            time.sleep(10)
            running = [pid for pid in one.running.pids() if alive(pid)]
            os.kill(random.choice(running), signal.SIGKILL)
        time.sleep(3)
        seen.stop()
        print(f"6 kills in 63 s: {seen.counts}, {1 - seen.failed / seen.total:.5f} answered")
        assert seen.failed <= seen.total / 1000


def test_44_twenty_stops_under_load_fail_no_accepted_request(tmp_path: Path) -> None:
    sent = failed = 0
    for at in range(20):
        folder = tmp_path / str(at)
        folder.mkdir()
        with replica(folder, settings(folder, delay_ms=5.0, drain_delay=0.5)) as running:
            running.wait_ready()
            with traffic(running.url, [GOOD], judge, rate=200, clients=8, leave=True) as seen:
                time.sleep(random.uniform(0.05, 1.0))
                running.signal(signal.SIGTERM)
                assert running.end() == 0
            assert not any(alive(pid) for pid in running.pids())
            sent, failed = sent + seen.total, failed + seen.failed
    print(f"20 stops: {sent} sent, {failed} failed")
    assert sent > 500
    assert failed == 0


def test_45_a_stopped_worker_costs_no_connection(tmp_path: Path) -> None:
    with serve(tmp_path, settings(tmp_path), GOOD) as one:
        os.kill(one.running.pids()[0], signal.SIGSTOP)
        began = time.monotonic()
        waiting = [Raw(one.url, timeout=15.0) for _ in range(200)]
        for raw in waiting:
            raw.send(GOOD)
        fates = [judge(raw.read()) for raw in waiting]
        print(f"200 connections to a replica with a stopped worker: {time.monotonic() - began:.2f} s")
        for raw in waiting:
            raw.sock.close()
        assert fates == ["ok"] * 200


def test_workers_recycled_for_a_minute_at_200_requests_per_second_fail_none(tmp_path: Path) -> None:
    with serve(tmp_path, settings(tmp_path, max_requests=500, max_requests_jitter=100), GOOD) as one:
        with traffic(one.url, [GOOD], judge, rate=200, clients=8) as seen:
            time.sleep(60)
        recycled = len(one.running.events("worker recycled"))
        print(f"{recycled} workers recycled: {seen.counts}")
        assert recycled >= 10
        assert seen.failed == 0
