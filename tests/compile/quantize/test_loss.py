"""What a precision loses, told from paired answers; and how few rows are too few to tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.compile.quantize.loss import judged, rows_needed
from modelport.runtimes.batch import Array


def answers(*labels: int) -> dict[str, Array]:
    return {"label": np.array(labels)}


Row = tuple[int, int, int]
pairs = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=200)


@given(pairs)
def test_the_loss_is_the_fall_of_accuracy_and_lies_within_its_interval(
    rows: list[tuple[int, int, int]],
) -> None:
    truth, before, after = (np.array(column) for column in zip(*rows, strict=True))
    loss = judged("classification", truth, {"label": before}, {"label": after})
    assert loss.lost == pytest.approx(100 * ((before == truth).mean() - (after == truth).mean()))
    assert -100 <= loss.low <= loss.high <= 100
    assert loss.low - 1e-9 <= loss.lost * len(rows) / (len(rows) + 2) <= loss.high + 1e-9


@given(pairs)
def test_exchanging_the_two_turns_the_loss_round(rows: list[Row]) -> None:
    truth, before, after = (np.array(column) for column in zip(*rows, strict=True))
    one = judged("classification", truth, {"label": before}, {"label": after})
    other = judged("classification", truth, {"label": after}, {"label": before})
    assert (one.lost, one.worse, one.better) == (-other.lost, other.better, other.worse)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_rows_that_both_get_wrong_in_different_ways_are_no_loss() -> None:
    loss = judged("classification", np.array([0, 0]), answers(1, 1), answers(2, 1))
    assert (loss.lost, loss.worse, loss.better) == (0.0, 0, 0)


def test_more_rows_make_the_interval_narrower() -> None:
    widths = []
    for rows in (20, 200, 2000):
        truth = np.zeros(rows, np.int64)
        after = np.where(np.arange(rows) % 100 == 0, 1, 0)
        loss = judged("classification", truth, {"label": truth}, {"label": after})
        widths.append(loss.high - loss.low)
    assert widths == sorted(widths, reverse=True)


def test_a_class_that_vanishes_is_seen_in_macro_f1() -> None:
    truth = np.array([0] * 98 + [1] * 2)
    loss = judged("classification", truth, {"label": truth}, {"label": np.zeros(100, np.int64)})
    assert loss.lost == pytest.approx(2.0)
    assert loss.macro_f1_before == 1.0
    assert loss.macro_f1_after == pytest.approx(98 / 99 / 2)


def test_without_truth_every_changed_answer_is_lost() -> None:
    loss = judged("classification", None, answers(0, 1, 2, 2), answers(0, 1, 2, 1))
    assert (loss.measure, loss.lost) == ("agreement", 25.0)


def test_a_regression_loses_the_growth_of_its_error() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    before = truth + rng.normal(size=500)
    loss = judged("regression", truth, {"value": before}, {"value": truth + 1.1 * (before - truth)})
    assert loss.lost == pytest.approx(10, abs=1e-6)
    assert loss.low == pytest.approx(loss.high)


def test_vectors_are_compared_by_their_direction() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    assert judged("transform", None, {"values": rows}, {"values": 2 * rows}).lost == pytest.approx(
        0, abs=1e-4
    )
    assert judged("transform", None, {"values": rows}, {"values": -rows}).lost == pytest.approx(200)


@pytest.mark.parametrize(("allowed", "rows"), [(0.5, 598), (1, 299), (5, 59)])
def test_half_a_point_takes_some_six_hundred_rows_to_tell(allowed: float, rows: int) -> None:
    """The rule of three: with fewer, a loss of that size shows no row at all once in twenty times."""
    assert rows_needed("accuracy", allowed) == rows
    assert (1 - allowed / 100) ** rows <= 0.05 < (1 - allowed / 100) ** (rows - 1)
