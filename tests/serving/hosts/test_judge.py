"""Which host has to go is decided from what is seen, without a clock."""

from __future__ import annotations

import pytest

from modelport.serving.hosts import board, judge
from modelport.serving.hosts.judge import Bounds, Sight

BOUNDS = Bounds(start=120.0, call=60.0, memory=1000, calls=0)
READY = Sight(started=0.0, moved=100.0, ready=True, beat=100.0, resident=500, fresh=400)


def seen(**changes: float) -> Sight:
    known = {name: getattr(READY, name) for name in READY.__struct_fields__}
    return Sight(**(known | changes))


@pytest.mark.parametrize(
    ("sight", "now", "why"),
    [
        (READY, 100.0, 0),
        (seen(busy=41.0), 100.0, 0),
        (seen(busy=39.0), 100.0, board.HANGS),
        (seen(beat=89.0), 100.0, board.STALLS),
        (seen(beat=0.0, busy=99.0), 100.0, 0),  # it holds the interpreter while it computes
        (seen(moved=97.0), 100.0, board.STALLS),
        (seen(resident=1001), 100.0, board.GROWS),
        (seen(ready=False, beat=0.0), 100.0, 0),
        (seen(ready=False, started=-21.0), 100.0, board.LATE),
        (seen(ready=False, resident=1001), 100.0, board.GROWS),
    ],
)
def test_why_a_host_has_to_go(sight: Sight, now: float, why: int) -> None:
    assert judge.doom(sight, BOUNDS, now) == why


@pytest.mark.parametrize(
    ("sight", "bounds", "worn"),
    [
        (READY, BOUNDS, False),
        (seen(resident=801), BOUNDS, True),
        (seen(resident=801, fresh=790), BOUNDS, False),  # it is large, and has not grown
        (seen(resident=801, ready=False), BOUNDS, False),
        (seen(resident=10**12), Bounds(1.0, 1.0, 0, 0), False),
        (seen(calls=10), Bounds(1.0, 1.0, 0, 10), True),
        (seen(calls=9), Bounds(1.0, 1.0, 0, 10), False),
    ],
)
def test_when_a_host_is_better_replaced(sight: Sight, bounds: Bounds, worn: bool) -> None:
    assert judge.worn(sight, bounds) is worn


def test_the_pace_of_starts_in_a_crash_loop_doubles_up_to_half_a_minute() -> None:
    deaths = [float(second) for second in range(12)]
    pauses = [judge.pause(deaths[: count + 1], 12.0) for count in range(12)]
    assert pauses == [0.0, 0.1, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0]
    assert judge.pause(deaths, 100.0) == 0.0
