"""A key's rate holds over all workers."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.access import Rate
from modelport.serving.limits import Admission, Limiter, policy_field, retry_field, state_field
from modelport.serving.shared import Segment

KEY = 1

rates = st.builds(Rate, st.integers(1, 20), st.sampled_from([1, 60, 3600]))
workers = st.integers(1, 4)
# Gaps in windows, and the worker that the next request falls on.
traffic = st.lists(st.tuples(st.floats(0, 0.7) | st.just(0.0), st.integers(0, 3)), max_size=150)


class Replica:
    """Several limiters over one segment, and what they admitted."""

    def __init__(self, count: int, rate: Rate, start: float = 1000.25) -> None:
        segment = Segment.create(count, slots=1, keys=3)
        self.limiters = [Limiter(segment, worker) for worker in range(count)]
        self.rate = rate
        self.now = start * rate.window
        self.admitted: list[float] = []

    def ask(self, worker: int) -> Admission:
        answer = self.limiters[worker % len(self.limiters)].admit(KEY, self.rate, self.now)
        if answer.ok:
            self.admitted.append(self.now)
        return answer

    def play(self, traffic: list[tuple[float, int]]) -> None:
        for gap, worker in traffic:
            self.now += gap * self.rate.window
            self.ask(worker)


@given(workers, rates, traffic)
def test_no_aligned_window_admits_more_than_the_quota(
    count: int, rate: Rate, traffic: list[tuple[float, int]]
) -> None:
    replica = Replica(count, rate)
    replica.play(traffic)
    windows = Counter(int(at // rate.window) for at in replica.admitted)
    assert all(admitted <= rate.quota for admitted in windows.values())


@given(workers, rates, traffic, st.integers(1, 4))
def test_no_span_of_windows_admits_more_than_one_quota_beyond_its_own(
    count: int, rate: Rate, traffic: list[tuple[float, int]], windows: int
) -> None:
    """Wherever it begins."""
    replica = Replica(count, rate)
    replica.play(traffic)
    for start in replica.admitted:
        inside = [at for at in replica.admitted if start <= at < start + windows * rate.window]
        assert len(inside) <= (windows + 1) * rate.quota


@given(workers, st.integers(2, 50))
def test_a_burst_at_the_end_of_a_window_and_patience_get_less_than_twice_the_quota(
    count: int, quota: int
) -> None:
    """The worst there is, so that nobody promises less."""
    replica = Replica(count, Rate(quota, 60), start=1000.999)
    for turn in range(quota + 5):
        replica.ask(turn)
    for step in range(1000):
        replica.now = (1001 + step / 1000) * 60
        replica.ask(step)
    first = replica.admitted[0]
    inside = sum(at < first + 60 for at in replica.admitted)
    assert 2 * quota - 2 <= inside < 2 * quota


@given(workers, rates, traffic)
def test_how_requests_fall_on_workers_changes_nothing(
    count: int, rate: Rate, traffic: list[tuple[float, int]]
) -> None:
    many, one = Replica(count, rate), Replica(1, rate)
    many.play(traffic)
    one.play(traffic)
    assert many.admitted == one.admitted


@given(workers, rates, traffic, st.integers(0, 3))
def test_a_refused_caller_is_admitted_after_retry_after_and_not_before(
    count: int, rate: Rate, traffic: list[tuple[float, int]], worker: int
) -> None:
    replica = Replica(count, rate)
    replica.play(traffic)
    while (refused := replica.ask(worker)).ok:
        pass
    assert 0 < refused.retry_after <= 2 * rate.window
    asked = replica.now
    replica.now = asked + 0.999 * refused.retry_after - 1e-6 * rate.window
    assert not replica.ask(worker + 1).ok
    replica.now = asked + refused.retry_after + 1e-6 * rate.window
    assert replica.ask(worker + 2).ok


@given(workers, rates, traffic)
def test_remaining_is_exactly_what_is_admitted_next(
    count: int, rate: Rate, traffic: list[tuple[float, int]]
) -> None:
    """And each request admitted takes one from it."""
    replica = Replica(count, rate)
    replica.play(traffic)
    answer = replica.ask(0)
    for expected in reversed(range(answer.remaining)):
        answer = replica.ask(expected)
        assert (answer.ok, answer.remaining) == (True, expected)
    assert not replica.ask(0).ok


@given(rates, traffic, st.floats(0, 3))
def test_waiting_never_takes_away_what_was_left(
    rate: Rate, traffic: list[tuple[float, int]], pause: float
) -> None:
    replica = Replica(1, rate)
    replica.play(traffic)
    before = replica.ask(0)
    replica.now += pause * rate.window
    assert replica.ask(0).remaining >= before.remaining - 1


def test_the_first_requests_up_to_the_quota_are_admitted_and_the_next_is_told_when_to_return() -> None:
    replica = Replica(2, Rate(3, 60), start=1000.0)
    assert [replica.ask(index).remaining for index in range(3)] == [2, 1, 0]
    refused = replica.ask(3)
    assert not refused.ok
    assert refused.reset_seconds == 60
    assert refused.retry_after == pytest.approx(60 + 60 * (1 - 2 / 3))


def test_keys_do_not_share_a_limit() -> None:
    limiter = Limiter(Segment.create(1, slots=1, keys=3), 0)
    assert limiter.admit(0, Rate(1, 60), 100.0).ok
    assert not limiter.admit(0, Rate(1, 60), 100.0).ok
    assert limiter.admit(1, Rate(1, 60), 100.0).ok


def test_a_worker_whose_clock_was_read_just_before_the_others_rolled_cannot_exceed_the_quota() -> None:
    replica = Replica(2, Rate(5, 1), start=1000.5)
    for _ in range(5):
        replica.ask(0)
    replica.now = 1001.0
    replica.ask(0)
    replica.now = 1000.999
    assert not replica.ask(1).ok


def test_a_changed_window_length_starts_afresh() -> None:
    limiter = Limiter(Segment.create(1, slots=1, keys=1), 0)
    for rate in (Rate(1, 1), Rate(1, 3600), Rate(1, 1)):
        assert limiter.admit(0, rate, 10_000.0).ok
        assert not limiter.admit(0, rate, 10_000.0).ok


RACER = """
import sys
from modelport.core.access import Rate
from modelport.serving.limits import Limiter
from modelport.serving.shared import Segment

limiter = Limiter(Segment(int(sys.argv[1]), 3, 1, 1), int(sys.argv[2]))
sys.stdin.read(1)
print(sum(limiter.admit(0, Rate(1000, 3600), 1.0).ok for _ in range(3000)))
"""


def test_processes_that_race_never_admit_more_than_the_quota() -> None:
    segment = Segment.create(3, slots=1, keys=1)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(segment.fd), str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[segment.fd],
        )
        for worker in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"g")
        racer.stdin.flush()
    admitted = [int(racer.communicate()[0]) for racer in racers]
    assert 990 <= sum(admitted) <= 1000
    segment.close()


def test_header_fields_follow_the_draft() -> None:
    """draft-ietf-httpapi-ratelimit-headers: a quoted policy name with q and w, r and t."""
    assert policy_field(Rate(100, 60)) == '"key";q=100;w=60'
    assert (
        state_field(Admission(ok=True, remaining=42, reset_seconds=16.2, retry_after=0)) == '"key";r=42;t=17'
    )
    assert retry_field(0.01) == "1"
    assert retry_field(2.1) == "3"
