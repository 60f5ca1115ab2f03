"""What a worker that is short of something does, and tells."""

from __future__ import annotations

import pytest

from modelport.errors import Overloaded
from modelport.serving.call import BATCH, INTERACTIVE, SHADOW
from modelport.serving.overload.actions import HOLD, Action
from modelport.serving.overload.pressure import LAG, Pressure

LIMIT = 1000


class Line:
    """A queue as long as it says."""

    def __init__(self, seconds: float) -> None:
        self.waiting = int(seconds > 0)
        self.seconds = seconds

    def wait(self) -> float:
        return self.seconds


class Told:
    def __init__(self) -> None:
        self.seen: list[set[str]] = []

    def relieve(self, active: frozenset[Action]) -> None:
        self.seen.append(set(active))


def pressure(*queues: Line, memory: int = LIMIT) -> Pressure:
    return Pressure(target=1.0, memory=memory, queues=lambda: queues)


def test_those_concerned_are_told_once_per_change() -> None:
    one, told = pressure(), Told()
    one.relieved = (told,)
    for now in range(3):
        one.feel(0.0, 860, float(now))
    one.feel(0.0, 100, 2.0 + HOLD)
    assert told.seen == [{"samples", "batch"}, set()]


def test_batch_work_is_refused_while_the_loop_is_late() -> None:
    one = pressure()
    one.feel(LAG, 0, 0.0)
    one.check(INTERACTIVE)
    for priority in (BATCH, SHADOW):
        with pytest.raises(Overloaded) as caught:
            one.check(priority)
        assert caught.value.code == "batch-refused"


def test_the_longest_queue_that_is_known_counts() -> None:
    one = pressure(Line(0.0), Line(float("inf")), Line(1.5))
    one.feel(0.0, 0, 0.0)
    assert one.active == {"samples"}


def test_a_limit_that_the_models_need_already_is_not_held() -> None:
    one = pressure()
    one.begin(900)
    one.feel(0.0, 5000, 0.0)
    assert not one.active


def test_without_a_limit_memory_is_never_short() -> None:
    one = pressure(memory=0)
    one.begin(10**12)
    one.feel(0.0, 10**12, 0.0)
    assert not one.active
