"""What waits is bounded, and comes out as it went in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.simulated import Asked

from modelport.serving.batching.backlog import Backlog


def call(rows: int) -> Asked:
    return Asked(None, 0.0, [[1.0]] * rows)


@given(st.integers(1, 50), st.lists(st.one_of(st.integers(1, 90), st.none()), max_size=60))
def test_calls_come_out_in_order_and_rows_add_up(room: int, steps: list[int | None]) -> None:
    """A number is a call of so many rows that comes; None takes one out."""
    backlog = Backlog(room)
    model: list[Any] = []
    for rows in steps:
        if rows is not None:
            one = call(rows)
            if backlog.add(one):
                model.append(one)
        elif model:
            assert backlog.next_rows() == model[0].rows
            assert backlog.pop() is model.pop(0)
        assert (len(backlog), backlog.rows) == (len(model), sum(one.rows for one in model))
        assert list(backlog) == model


@given(st.integers(1, 50), st.lists(st.integers(1, 90), max_size=200))
def test_small_calls_never_hold_more_rows_than_there_is_room(room: int, sizes: list[int]) -> None:
    backlog = Backlog(room)
    for rows in sizes:
        backlog.add(call(rows))
    assert sum(min(one.rows, max(1, room // 2)) for one in backlog) <= room


def test_a_call_larger_than_the_room_is_taken_and_leaves_room_for_others() -> None:
    backlog = Backlog(8)
    assert backlog.add(call(1000))
    assert [backlog.add(call(1)) for _ in range(5)] == [True] * 4 + [False]


@pytest.mark.parametrize("room", [1, 2, 3])
def test_even_the_smallest_room_takes_a_call(room: int) -> None:
    assert Backlog(room).add(call(1000))
