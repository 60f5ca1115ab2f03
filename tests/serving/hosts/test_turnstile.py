"""Calls whose batch took too much memory are let in a few at a time, and are not asked for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelport.runtimes.batch import Batch
from modelport.serving.call import Call
from modelport.serving.dispatch import Dispatcher
from modelport.serving.hosts.line import LineCall
from modelport.serving.hosts.smaller import Smaller
from modelport.serving.hosts.turnstile import Turnstile


class Taker:
    """A dispatcher that runs all it has at once, when it is told to."""

    def __init__(self) -> None:
        self.when_idle: Callable[[], None] | None = None
        self.batches: list[list[Any]] = []
        self._queue: list[Any] = []

    @property
    def idle(self) -> bool:
        return not self._queue

    def submit(self, call: Any) -> None:
        self._queue.append(call)

    def run(self) -> None:
        self.batches.append(self._queue)
        self._queue = []
        assert self.when_idle is not None
        self.when_idle()


@given(st.lists(st.sampled_from([0, 0, 1, 2, 4]), min_size=1, max_size=40))
def test_no_call_shares_a_batch_with_more_than_it_may_and_none_is_overtaken(most: list[int]) -> None:
    calls = [SimpleNamespace(number=at, most=each) for at, each in enumerate(most)]

    async def through() -> list[list[Any]]:
        taker = Taker()
        turnstile = Turnstile(asyncio.get_running_loop(), cast("Dispatcher", taker))
        for call in calls:
            turnstile.submit(cast("LineCall", call))
        for _ in range(3 * len(calls)):
            await asyncio.sleep(0)
            if not taker.idle:
                taker.run()
        return taker.batches

    batches = asyncio.run(through())
    assert [call.number for batch in batches for call in batch] == list(range(len(calls)))
    for batch in batches:
        assert all(len(batch) <= (call.most or len(batch)) for call in batch)


def call() -> Call:
    return Call(cast("Any", None), Batch(1, {"x": np.zeros((1, 2))}), id="", received=0.0, protocol=0)


def test_a_call_is_asked_again_in_half_its_batch_then_alone_then_never() -> None:
    smaller, one = Smaller(), call()
    assert smaller.most(one) == 0
    assert smaller.again(one, 16)
    assert smaller.most(one) == 8
    assert smaller.again(one, 8)
    assert smaller.most(one) == 1
    assert not smaller.again(one, 1)


def test_a_call_that_was_alone_is_never_asked_again() -> None:
    assert not Smaller().again(call(), 1)
