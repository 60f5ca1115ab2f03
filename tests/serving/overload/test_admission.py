"""Who may wait is decided by predicted wait: simulated queues, no clock but the test's."""

from __future__ import annotations

import random
from collections import deque
from typing import cast

import pytest

from modelport.errors import Overloaded
from modelport.runtimes.batch import Batch
from modelport.serving.call import BATCH, INTERACTIVE, SHADOW, Call
from modelport.serving.overload.admission import GRACE, Admission, Patience
from modelport.serving.table import LiveSlot

SERVICE = 0.005


def call(now: float, deadline: float | None = None, priority: int = INTERACTIVE) -> Call:
    made = Call(cast("LiveSlot", None), Batch(1, {}), id="c", received=now, protocol=0)
    made.priority = priority
    if deadline is not None:
        made.deadline = now + deadline
    return made


class Line:
    """A queue in front of one instance that takes 5 ms a call."""

    def __init__(self, rows: int = 0) -> None:
        self.came: deque[float] = deque([0.0] * rows)
        self.waits: list[float] = []
        self._free = 0.0

    @property
    def waiting(self) -> int:
        return len(self.came)

    def wait(self) -> float:
        return len(self.came) * SERVICE

    def serve(self, until: float) -> None:
        while self.came and max(self._free, self.came[0]) + SERVICE <= until:
            came = self.came.popleft()
            self._free = max(self._free, came) + SERVICE
            self.waits.append(self._free - came)


def code(admission: Admission, one: Call, line: Line, now: float) -> str:
    try:
        admission.check(one, line, now)
    except Overloaded as error:
        return error.code if error.retry_after > 0 else "no time given"
    return ""


def test_a_burst_may_wait_and_a_standing_queue_may_not() -> None:
    admission, long = Admission(Patience(target=0.3)), Line(100)
    assert code(admission, call(0.0), long, 0.0) == ""
    assert code(admission, call(0.1), long, GRACE - 0.01) == ""
    assert code(admission, call(0.6), long, GRACE) == "queue-too-long"
    assert code(admission, call(0.7), Line(10), 0.7) == ""
    assert code(admission, call(0.8), long, 0.8) == "", "the queue has been short in between"


def test_a_flood_is_no_burst() -> None:
    assert code(Admission(Patience(target=0.2)), call(0.0), Line(100), 0.0) == "queue-too-long"


def test_few_callers_wait_as_long_as_it_takes() -> None:
    admission, few = Admission(Patience(target=0.001)), Line(32)
    assert all(code(admission, call(now), few, now) == "" for now in (0.0, 1.0, 2.0))


def test_a_deadline_that_cannot_be_met_is_refused_at_once() -> None:
    admission = Admission(Patience(target=10.0))
    assert code(admission, call(0.0, deadline=0.04), Line(10), 0.0) == "deadline-unreachable"
    assert code(admission, call(0.0, deadline=0.06), Line(10), 0.0) == ""
    assert code(admission, call(0.0, deadline=0.01), Line(0), 0.0) == ""


def test_the_timeout_is_a_deadline_too() -> None:
    admission = Admission(Patience(target=10.0, timeout=1.0))
    assert code(admission, call(0.0), Line(201), 0.0) == "deadline-unreachable"


def test_priorities_are_refused_in_order() -> None:
    admission = Admission(Patience(target=1.0))
    codes = {
        rows: [
            code(admission, call(0.0, priority=one), Line(rows), 0.0) for one in (INTERACTIVE, BATCH, SHADOW)
        ]
        for rows in (10, 40, 60, 120)
    }
    assert codes == {
        10: ["", "", ""],
        40: ["", "", ""],
        60: ["", "", "queue-too-long"],
        120: ["", "queue-too-long", "queue-too-long"],
    }


@pytest.mark.parametrize("overload", [2.0, 5.0, 20.0])
def test_under_overload_goodput_stays_and_the_wait_is_bounded(overload: float) -> None:
    """Poisson arrivals at several times the capacity: the model is never idle, and nobody waits for long."""
    chance = random.Random(0)
    admission, line = Admission(Patience(target=0.2)), Line()
    now = 0.0
    while now < 20.0:
        now += chance.expovariate(overload / SERVICE)
        line.serve(now)
        if code(admission, call(now), line, now) == "":
            line.came.append(now)
    settled = line.waits[len(line.waits) // 4 :]
    assert len(line.waits) >= 0.97 * 20.0 / SERVICE
    assert max(line.waits) <= 2 * 0.2 + 3 * SERVICE
    assert max(settled) <= 0.2 + 3 * SERVICE


def test_below_capacity_nobody_is_refused() -> None:
    chance = random.Random(1)
    admission, line = Admission(Patience(target=0.2)), Line()
    now, refused = 0.0, 0
    while now < 20.0:
        now += chance.expovariate(0.8 / SERVICE)
        line.serve(now)
        refused += code(admission, call(now), line, now) != ""
        line.came.append(now)
    assert refused == 0
