"""RELIABILITY cases 36, 41, 44 and 45 in full length: each loop prints what it counted."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer, Raw
from tests.acceptance.served import serve, summing
from tests.acceptance.traffic import traffic

from modelport.core.access import AccessSnapshot, Rate, make_key
from modelport.serving.replica import access_file
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


def p99(seen: Sequence[float]) -> float:
    """99th percentile, in milliseconds."""
    return 1e3 * sorted(seen)[int(len(seen) * 0.99)]


def timed(url: str, request: bytes, count: int, pause: float = 0.004) -> list[float]:
    """Seconds of each of many requests, one after the other on one connection."""
    took = []
    with Raw(url, timeout=30.0) as raw:
        for _ in range(count):
            began = time.perf_counter()
            assert raw.ask(request).status == 200
            took.append(time.perf_counter() - began)
            time.sleep(pause)
    return took


def test_26_ten_thousand_idle_connections_are_held_in_little_memory(tmp_path: Path) -> None:
    """Their sockets are of both ends on this machine; only the server's memory is looked at."""
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 500:
        pytest.skip(f"this user may have {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 500), hard))
    with serve(tmp_path, settings(tmp_path, workers=1), GOOD) as one, ExitStack() as stack:
        timed(one.url, GOOD, 500)
        before, resident = p99(timed(one.url, GOOD, 2000)), one.resident()
        for _ in range(count):
            stack.enter_context(Raw(one.url))
        eventually(lambda: one.metric("modelport_connections") >= count)
        each = (one.resident() - resident) / count
        after = p99(timed(one.url, GOOD, 2000))
        print(f"{count} idle connections: {each:.0f} bytes each, p99 {before:.2f} -> {after:.2f} ms")
        assert each < 40_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_35_a_tenant_who_floods_costs_others_little(tmp_path: Path) -> None:
    """Ten times its rate from one key, on the connections of a thread pool; another key is timed."""
    made = [
        make_key(name, ["infer:*", "metrics"], random=random.randrange, now=0.0, rate=rate)
        for name, rate in (("flooding", Rate(50, 1)), ("other", None))
    ]
    access_file.write(tmp_path / "keys.json", AccessSnapshot(1, tuple(entry for _, entry in made)))
    flood, calm = (summing("five", authorization=f"Bearer {text}") for text, _ in made)
    bundle = dummy(tmp_path / "five.bundle", "five", delay_ms=5.0)
    keyed = Settings(bundles=(bundle,), port=0, keys=str(tmp_path / "keys.json"))
    with serve(tmp_path, keyed, calm) as one:
        timed(one.url, calm, 100)
        before = p99(timed(one.url, calm, 1000))
        with traffic(one.url, [flood], judge, rate=500, clients=8) as seen:
            during = p99(timed(one.url, calm, 1000))
        print(f"p99 of others {before:.2f} -> {during:.2f} ms while one key floods: {seen.counts}")
        assert seen.counts["429 rate-limited"] > seen.counts["ok"]
