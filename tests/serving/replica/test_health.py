"""Who is hung, how soon the dead return, and what becomes of their counters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelport.serving import shared
from modelport.serving.replica import health, ledger
from modelport.serving.replica.health import Beat


def test_a_worker_that_serves_is_stalled_after_a_second_without_a_beat() -> None:
    beat = Beat(last=10.0, started=0.0, busy=False)
    assert not health.stalled(beat, 11.0)
    assert health.stalled(beat, 11.01)


def test_a_worker_that_loads_has_longer() -> None:
    beat = Beat(last=10.0, started=0.0, busy=True)
    assert not health.stalled(beat, 39.0)
    assert health.stalled(beat, 41.0)


def test_a_worker_that_never_beat_is_judged_by_its_start() -> None:
    beat = Beat(last=None, started=100.0, busy=False)
    assert not health.stalled(beat, 101.5)
    assert health.stalled(beat, 131.0)


def test_a_supervisor_that_was_stopped_itself_judges_nobody() -> None:
    assert health.blind(now=10.6, looked=10.0)
    assert not health.blind(now=10.2, looked=10.0)


def test_restarts_are_at_once_then_slower_and_slower_up_to_five_seconds() -> None:
    deaths: list[float] = []
    pauses = []
    for _ in range(9):
        deaths = health.remember(deaths, 10.0)
        pauses.append(health.pause(deaths, 10.0))
    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_three_deaths_in_a_minute_are_a_crash_loop_and_old_ones_are_forgotten() -> None:
    deaths = [0.0, 1.0, 2.0]
    assert not health.crash_loop(deaths[:2], 4.0)
    assert health.crash_loop(deaths, 4.0)
    assert not health.crash_loop(deaths, 61.0)
    assert health.pause(deaths, 100.0) == 0.0


def test_deaths_older_than_a_minute_are_let_go() -> None:
    assert health.remember([0.0, 20.0, 70.0], 75.0) == [20.0, 70.0, 75.0]


@given(st.lists(st.floats(0, 1000), max_size=50), st.floats(0, 2000))
def test_a_pause_is_never_longer_than_five_seconds(deaths: list[float], now: float) -> None:
    assert 0.0 <= health.pause(deaths, now) <= health.LONGEST_PAUSE


def test_what_a_dead_worker_was_executing_is_lost_and_its_gauges_are_cleared() -> None:
    segment = shared.Segment.create(2, slots=3, keys=1)
    cells, row = segment.cells, segment.row(1)
    cells[row + shared.CONNECTIONS] = 5
    cells[row + shared.ACCEPTED] = 70
    slot = segment.slot(1, 2)
    cells[slot + shared.EXECUTING], cells[slot + shared.QUEUED], cells[slot + shared.LOST] = 3, 4, 10
    assert ledger.settle(segment, 1, [0, 2]) == 3
    assert (cells[slot + shared.EXECUTING], cells[slot + shared.QUEUED], cells[slot + shared.LOST]) == (
        0,
        0,
        13,
    )
    assert (cells[row + shared.CONNECTIONS], cells[row + shared.ACCEPTED]) == (0, 70)
    segment.close()


def test_windows_of_a_reused_key_place_start_empty() -> None:
    segment = shared.Segment.create(2, slots=1, keys=2)
    for row in range(2):
        segment.cells[segment.key(row, 1) + shared.CURRENT] = 9
        segment.cells[segment.key(row, 0) + shared.CURRENT] = 8
    ledger.clear_keys(segment, [1])
    assert [segment.cells[segment.key(row, 1) + shared.CURRENT] for row in range(2)] == [0, 0]
    assert [segment.cells[segment.key(row, 0) + shared.CURRENT] for row in range(2)] == [8, 8]
    segment.close()


def test_the_first_start_in_a_seat_is_no_restart_and_each_later_one_is() -> None:
    """Incarnations count over the whole replica: the second worker is the second start, and no restart."""
    segment = shared.Segment.create(2, slots=1, keys=1)
    restarts = [segment.row(row) + shared.RESTARTS for row in range(2)]
    for incarnation, (row, restart) in enumerate([(0, False), (1, False), (1, True), (1, True)], 1):
        ledger.begin(segment, row, incarnation, restart=restart)
    assert [segment.cells[cell] for cell in restarts] == [0, 2]
    segment.close()


def test_a_spare_row_is_not_in_use_until_a_successor_takes_it_and_keeps_what_it_counted() -> None:
    segment = shared.Segment.create(2, slots=1, keys=1)
    assert (ledger.in_use(segment, 1), ledger.ever_used(segment, 1)) == (False, False)
    ledger.begin(segment, 1, 3, restart=True)
    ledger.looping(segment, 1, is_looping=True)
    assert (ledger.in_use(segment, 1), ledger.ever_used(segment, 1)) == (True, True)
    ledger.retire(segment, 1)
    assert (ledger.in_use(segment, 1), ledger.ever_used(segment, 1)) == (False, True)
    assert segment.cells[segment.row(1) + shared.LOOPING] == 0
    segment.close()
