"""What a batch costs is learnt from measurements, and not from accidents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.serving.batching.cost import CostModel

ROWS = st.integers(1, 4096)
SECONDS = st.floats(1e-6, 10.0)


def test_nothing_is_predicted_before_anything_was_measured() -> None:
    assert CostModel().predict(1) == float("inf")


@given(ROWS, SECONDS)
def test_one_measurement_is_believed(rows: int, seconds: float) -> None:
    cost = CostModel()
    cost.observe(rows, seconds)
    assert cost.predict(rows) == pytest.approx(seconds)


@given(st.lists(st.tuples(ROWS, SECONDS), min_size=1, max_size=30), ROWS)
def test_a_prediction_is_a_positive_number(seen: list[tuple[int, float]], rows: int) -> None:
    cost = CostModel()
    for size, seconds in seen:
        cost.observe(size, seconds)
    assert 0 < cost.predict(rows) < float("inf")


@given(st.lists(st.tuples(ROWS, SECONDS), max_size=30), ROWS, ROWS)
def test_the_best_size_is_one_that_can_be_taken(
    seen: list[tuple[int, float]], waiting: int, limit: int
) -> None:
    cost = CostModel()
    for size, seconds in seen:
        cost.observe(size, seconds)
    assert 1 <= cost.best(waiting, limit) <= min(waiting, limit)


def test_one_accident_moves_nothing_to_a_thread() -> None:
    """The process lost its core for 20 ms while a batch of 20 us ran."""
    cost = CostModel()
    for _ in range(50):
        cost.observe(1, 20e-6)
    cost.observe(1, 20e-3)
    assert cost.predict(1) < 50e-6


def test_a_model_that_became_slow_is_followed() -> None:
    cost = CostModel()
    for _ in range(50):
        cost.observe(1, 20e-6)
    for _ in range(40):
        cost.observe(1, 20e-3)
    assert cost.predict(1) > 15e-3


def test_a_model_that_became_quick_is_followed() -> None:
    cost = CostModel()
    for seconds in (20e-3, *[20e-6] * 60):
        cost.observe(1, seconds)
    assert cost.predict(1) < 50e-6
