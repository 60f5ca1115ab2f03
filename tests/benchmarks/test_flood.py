"""What comes of a flood is counted by phase."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.flood import Phase, Told, arrivals, part, recovery

PHASES = (Phase(100.0, 2.0), Phase(1000.0, 3.0), Phase(100.0, 2.0))


def test_arrivals_follow_the_phases() -> None:
    due = arrivals(PHASES)
    counts = [int(((due >= start) & (due < end)).sum()) for start, end in ((0, 2), (2, 5), (5, 7))]
    assert counts == [
        pytest.approx(200, rel=0.25),
        pytest.approx(3000, rel=0.1),
        pytest.approx(200, rel=0.25),
    ]
    assert np.all(np.diff(due) >= 0)


def told(*requests: tuple[float, float, bool]) -> Told:
    """Requests as (due, milliseconds, whether answered with 200)."""
    due, took, ok = zip(*requests, strict=True)
    return Told(due, tuple(at + ms / 1e3 for at, ms in zip(due, took, strict=True)), ok)


def test_goodput_counts_what_came_within_the_phase() -> None:
    seen = told((2.1, 100, True), (2.2, 5, False), (4.95, 100, True), (1.99, 20, True), (6.0, 1, True))
    one = part(seen, PHASES, 1)
    assert one.goodput == pytest.approx(2 / 3)
    assert one.refused == pytest.approx(1 / 3)
    assert one.refusal_p99 == pytest.approx(5.0)
    assert one.p99 == pytest.approx(100.0)


def test_recovery_ends_with_the_last_bad_half_second() -> None:
    good = [(5.0 + at / 20, 10.0, True) for at in range(40)]
    assert recovery(told(*good), 5.0, 20.0) == 0.0
    bad = [(at, 100.0, True) if 5.5 <= at < 6.0 else (at, ms, ok) for at, ms, ok in good]
    assert recovery(told(*bad), 5.0, 20.0) == 1.0
