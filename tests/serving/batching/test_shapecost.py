"""What a batch of some rows and some length costs is known from what ran."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.serving.batching.shapecost import LENGTHS, ShapeCost, length_step

shapes = st.tuples(st.integers(1, 600), st.integers(1, 9_000), st.floats(1e-6, 10))


@given(st.integers(1, LENGTHS[-1]))
def test_a_length_falls_in_the_smallest_step_that_holds_it(length: int) -> None:
    step = length_step(length)
    assert step >= length
    assert step in LENGTHS
    assert step <= 1.5 * length + 1


def test_lengths_beyond_the_last_step_share_it() -> None:
    assert length_step(LENGTHS[-1] * 7) == LENGTHS[-1]


def test_nothing_is_known_before_anything_ran() -> None:
    assert ShapeCost().predict(1, 1) == math.inf


def test_a_shape_that_ran_costs_what_it_took() -> None:
    cost = ShapeCost()
    cost.observe(8, 32, 0.1)
    assert cost.predict(8, 32) == pytest.approx(0.1)


def test_a_shape_that_never_ran_is_hoped_to_be_cheaper_than_its_neighbour() -> None:
    """Otherwise it would never get its try."""
    cost = ShapeCost()
    cost.observe(1, 32, 0.01)
    assert cost.predict(4, 32) < 4 * cost.predict(1, 32)


def test_a_row_alone_is_not_hoped_for_but_estimated() -> None:
    cost = ShapeCost()
    cost.observe(1, 32, 0.01)
    assert cost.predict(1, 64) == pytest.approx(0.02)


def test_one_measurement_beyond_belief_moves_the_average_a_little() -> None:
    cost = ShapeCost()
    cost.observe(1, 8, 0.01)
    cost.observe(1, 8, 5.0)
    assert cost.predict(1, 8) < 0.02


def test_what_was_measured_long_ago_is_tried_again() -> None:
    cost = ShapeCost()
    cost.observe(2, 8, 0.1)
    for _ in range(2_001):
        cost.observe(1, 8, 0.01)
    assert cost.predict(2, 8) < 0.1


@given(st.lists(shapes, min_size=1, max_size=30), st.integers(1, 600), st.integers(1, 9_000))
def test_a_prediction_is_a_time(seen: list[tuple[int, int, float]], rows: int, length: int) -> None:
    cost = ShapeCost()
    for shape in seen:
        cost.observe(*shape)
    assert 0 < cost.predict(rows, length_step(length)) < math.inf
