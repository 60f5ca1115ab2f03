"""RELIABILITY cases 34 and 35 in short form: too much is refused at once, and to those who send too much."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer
from tests.acceptance.served import Served, serve, summing, wait
from tests.acceptance.traffic import traffic

from modelport.core.access import AccessSnapshot, KeyEntry, Priority, Rate, make_key
from modelport.serving.replica import access_file
from modelport.serving.settings import Settings

GOOD = summing("five")


def named(answer: Answer) -> str:
    """What an answer was; a refusal has to say when to come again."""
    if answer.status == 200:
        return "ok" if answer.json()["prediction"] == 3.0 else "wrong"
    waits = int(answer.headers.get("retry-after", "0"))
    return answer.code if waits >= 1 else f"{answer.code} without Retry-After"


@pytest.fixture
def five(tmp_path: Path) -> Iterator[Served]:
    """A model that takes 5 ms a row: 200 rows a second, and no more."""
    bundle = dummy(tmp_path / "five.bundle", "five", delay_ms=5.0, batch_size=1)
    settings = Settings(bundles=(bundle,), port=0, queue_target=0.05)
    with serve(tmp_path, settings, GOOD) as one:
        yield one


def test_34_what_is_too_much_is_refused_at_once_and_the_rest_is_answered(five: Served) -> None:
    with five.unharmed():
        with traffic(five.url, [GOOD], named, rate=1000, clients=64) as seen:
            wait(3.0)
        assert set(seen.counts) <= {"ok", "queue-too-long"}, seen.counts
        assert seen.counts["ok"] > 50
        assert seen.counts["queue-too-long"] > 0
        with traffic(five.url, [GOOD], named, rate=20, clients=2) as after:
            wait(0.5)
        assert set(after.counts) == {"ok"}, after.counts


def test_34_a_deadline_that_the_queue_cannot_meet_is_refused_before_it_waits(five: Served) -> None:
    hurried = summing("five", request_timeout_ms="60")
    with (
        five.unharmed(),
        traffic(five.url, [GOOD], named, rate=400, clients=28),
        traffic(five.url, [hurried], named, rate=200, clients=8) as seen,
    ):
        wait(2.0)
    assert set(seen.counts) <= {"ok", "deadline-unreachable", "queue-too-long", "deadline-exceeded 504"} | {
        "deadline-exceeded without Retry-After"
    }, seen.counts
    assert seen.counts["deadline-unreachable"] > 0


def test_34_batch_work_is_refused_before_interactive_work(five: Served) -> None:
    patient = summing("five", x_modelport_priority="batch")
    with (
        five.unharmed(),
        traffic(five.url, [GOOD], named, rate=400, clients=24) as urgent,
        traffic(five.url, [patient], named, rate=400, clients=10) as batch,
    ):
        wait(2.0)
    assert set(urgent.counts) == {"ok"}, urgent.counts
    assert batch.counts["queue-too-long"] > 0


def test_34_a_priority_that_there_is_not_is_no_priority(five: Served) -> None:
    answer = five.ask(summing("five", x_modelport_priority="first"))
    assert (answer.status, answer.code) == (400, "bad-priority")


def made(name: str, rate: Rate | None = None, priority: Priority = "interactive") -> tuple[str, KeyEntry]:
    return make_key(
        name, ["infer:*", "metrics"], random=lambda n: hash(name) % n, now=0.0, rate=rate, priority=priority
    )


def test_35_who_floods_is_refused_by_his_own_limit_and_others_are_answered(tmp_path: Path) -> None:
    flooding, other = made("flooding", Rate(20, 1)), made("other", priority="batch")
    access_file.write(tmp_path / "keys.json", AccessSnapshot(1, (flooding[1], other[1])))
    bundle = dummy(tmp_path / "five.bundle", "five", delay_ms=5.0, batch_size=1)
    settings = Settings(bundles=(bundle,), port=0, keys=str(tmp_path / "keys.json"))
    flood = summing("five", authorization=f"Bearer {flooding[0]}")
    calm = summing("five", authorization=f"Bearer {other[0]}")
    with serve(tmp_path, settings, calm) as one:
        with (
            traffic(one.url, [flood], named, rate=1000, clients=16) as flooded,
            traffic(one.url, [calm], named, rate=40, clients=2) as served,
        ):
            wait(2.0)
        refused = one.ask(flood)
        while refused.status == 200:
            refused = one.ask(flood)
        assert refused.headers["ratelimit-policy"] == '"key";q=20;w=1'
        assert "ratelimit" in refused.headers
    assert set(flooded.counts) <= {"ok", "rate-limited"}, flooded.counts
    assert flooded.counts["rate-limited"] > flooded.counts["ok"]
    assert set(served.counts) == {"ok"}, served.counts
