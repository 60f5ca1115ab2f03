"""What is given up under load, when, and when it comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelport.serving.overload.actions import HOLD, THRESHOLDS, Active, Load, decide

USED = st.floats(0, 3, allow_nan=False)


def on(active: Active) -> set[str]:
    return set(active)


def test_memory_gives_up_one_thing_after_the_other() -> None:
    active: Active = {}
    steps = [0.5, 0.81, 0.86, 0.93, 0.98]
    seen = [on(active := decide(active, Load(memory=used), float(at))) for at, used in enumerate(steps)]
    assert seen == [
        set(),
        {"samples"},
        {"samples", "batch"},
        {"samples", "batch", "keepalive"},
        {"samples", "batch", "keepalive", "accept"},
    ]


def test_lag_closes_no_connection() -> None:
    assert on(decide({}, Load(lag=10.0), 0.0)) == {"samples", "batch"}


def test_a_long_queue_of_one_slot_refuses_nobody_elsewhere() -> None:
    assert on(decide({}, Load(queue=100.0), 0.0)) == {"samples"}


def test_an_action_ends_when_the_load_has_stayed_well_below_for_a_while() -> None:
    active = decide({}, Load(lag=1.0), 0.0)
    active = decide(active, Load(lag=0.85), 5.0)
    assert "batch" in active, "not well below"
    active = decide(active, Load(lag=0.1), 5.0 + HOLD / 2)
    assert "batch" in active, "not for long"
    assert not decide(active, Load(lag=0.1), 5.0 + HOLD)


@given(st.lists(st.builds(Load, USED, USED, USED), max_size=50))
def test_what_begins_later_never_holds_without_what_begins_before(loads: list[Load]) -> None:
    """By memory alone the actions are nested; and an action over its threshold is always on."""
    active: Active = {}
    for at, load in enumerate(loads):
        active = decide(active, load, at / 10)
        for action, limits in THRESHOLDS.items():
            if max(used / limit for used, limit in zip(load, limits, strict=True)) >= 1:
                assert action in active


@given(st.floats(0, 1.2), st.integers(1, 100))
def test_a_load_that_swings_around_a_threshold_does_not_flap(width: float, period: int) -> None:
    """Changes of an action are at least `HOLD` apart after it began."""
    active: Active = {}
    changes: list[float] = []
    for tick in range(400):
        swing = 1.0 + width * (1 if tick // period % 2 else -1)
        before = "batch" in active
        active = decide(active, Load(lag=max(0.0, swing)), tick / 10)
        if before != ("batch" in active):
            changes.append(tick / 10)
    ends = changes[1::2]
    begins = changes[::2]
    assert all(end - begin >= HOLD - 1e-9 for begin, end in zip(begins, ends, strict=False))
