"""The core without any network: scripted outcomes, a clock that only moves when told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.client.calls import Call, Late, Lost, Outcome, Reply, Send, Sleep
from modelport.client.exchange import Terms, exchange
from modelport.client.retry import NEVER, Budget, Retries
from modelport.errors import DeadlineExceeded, ModelFailed, ModelportError, Overloaded, RateLimited

DEFAULT = Retries()
CALL = Call("POST", "/x", lambda reply: reply.body)
OK = Reply(200, {}, b"yes")
BUSY = Reply(503, {"retry-after": "1"}, b"{}")


@dataclass
class World:
    """Plays one exchange: each send takes `took` seconds and ends as the script says."""

    now: float = 0.0
    took: float = 0.01
    sent: list[Send] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def terms(self, retries: Retries = DEFAULT, timeout: float | None = 30.0) -> Terms:
        return Terms(timeout, retries, Budget(retries), lambda: self.now, lambda: 0.5)

    def play(self, terms: Terms, script: Iterable[Outcome], call: Call[bytes] = CALL) -> bytes:
        outcomes = iter(script)
        steps = exchange(call, terms)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                answer: bytes = done.value
                return answer
            outcome = None
            if isinstance(step, Sleep):
                self.slept.append(step.seconds)
                self.now += step.seconds
            else:
                self.sent.append(step)
                self.now += self.took
                outcome = next(outcomes)


def test_a_good_answer_is_sent_for_once() -> None:
    world = World()
    assert world.play(world.terms(), [OK]) == b"yes"
    assert len(world.sent) == 1


@pytest.mark.parametrize("failure", [Lost("refused"), BUSY, Reply(429, {}, b"{}")])
def test_a_lost_connection_and_a_busy_server_are_asked_again(failure: Outcome) -> None:
    world = World()
    assert world.play(world.terms(), [failure, failure, OK]) == b"yes"
    assert len(world.sent) == 3


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (Reply(500, {}, b"{}"), ModelFailed),
        (Reply(504, {}, b"{}"), DeadlineExceeded),
        (Late(), DeadlineExceeded),
        (Lost("broke", begun=True), Overloaded),
    ],
)
def test_what_may_have_been_worked_on_is_not_repeated(failure: Outcome, raised: type[ModelportError]) -> None:
    world = World()
    with pytest.raises(raised):
        world.play(world.terms(), [failure])
    assert len(world.sent) == 1


def test_retry_after_is_honoured() -> None:
    world = World()
    world.play(world.terms(), [BUSY, OK])
    assert world.slept == [pytest.approx(1.0 + 0.5 * 0.05)]


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    world = World()
    with pytest.raises(RateLimited) as caught:
        world.play(world.terms(timeout=5.0), [Reply(429, {"retry-after": "60"}, b"{}")])
    assert caught.value.retry_after == 60.0
    assert world.slept == []


def test_the_server_is_told_what_is_left_of_the_time() -> None:
    world = World(took=0.5)
    world.play(world.terms(timeout=10.0), [BUSY, OK])
    first, second = (int(step.headers["request-timeout-ms"]) for step in world.sent)
    assert first == 10_000
    assert second == pytest.approx(10_000 - 500 - 1025, abs=1)


def test_without_a_timeout_nothing_is_told() -> None:
    world = World()
    world.play(world.terms(timeout=None), [OK])
    assert world.sent[0].headers == {}
    assert world.sent[0].timeout is None


def test_no_time_at_all_is_late_before_anything_is_sent() -> None:
    world = World()
    with pytest.raises(DeadlineExceeded):
        world.play(world.terms(timeout=0.0), [])
    assert world.sent == []


def test_retries_can_be_switched_off_and_probes_never_retry() -> None:
    for terms, call in (
        (World().terms(NEVER), CALL),
        (World().terms(), Call("GET", "/ready", lambda reply: reply.body, repeatable=False)),
    ):
        world = World()
        with pytest.raises(Overloaded, match="refused"):
            world.play(terms, [Lost("refused")], call)
        assert len(world.sent) == 1


@given(
    st.lists(st.lists(st.sampled_from([OK, BUSY, Lost("refused")]), min_size=3, max_size=3), max_size=60),
    st.floats(0.05, 20),
)
def test_over_any_weather_the_budget_and_the_deadlines_hold(
    calls: list[list[Outcome]], timeout: float
) -> None:
    """One budget over many calls: extra sends stay within it and no call outlives its deadline."""
    retries = Retries(share=0.1, reserve=2)
    budget = Budget(retries)
    sent = 0
    for number, script in enumerate(calls, 1):
        world = World(took=0.001)
        terms = Terms(timeout, retries, budget, lambda world=world: world.now, lambda: 0.9)  # type: ignore[misc]
        with contextlib.suppress(ModelportError):
            world.play(terms, script)
        sent += len(world.sent)
        assert world.now <= timeout + world.took
        assert sent - number <= 2 + 0.1 * number
