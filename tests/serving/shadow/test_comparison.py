"""Two answers to the same rows, side by side."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.regression import manifest

from modelport.core.manifest import Manifest
from modelport.core.signature import Field, Signature
from modelport.runtimes.batch import Array, Batch
from modelport.serving.results import Meaning, Results
from modelport.serving.shadow.comparison import WORST, Comparison, Difference, Rows, agree, compare

OUTPUTS = (Field("label", "INT64", (-1,)), Field("probabilities", "FP32", (-1, 2)))


def classifier(labels: tuple[str, ...] = ("stays", "leaves")) -> Manifest:
    signature = Signature("vector", (Field("input", "FP64", (-1, 1)),), OUTPUTS)
    return msgspec.structs.replace(manifest(), task="classification", signature=signature, labels=labels)


def judged(*leaving: float, labels: tuple[str, ...] = ("stays", "leaves")) -> Rows:
    """Rows of a classifier, by the probability of the second label."""
    second = np.array(leaving, np.float32)
    both: Array = np.stack([1 - second, second], 1)
    tensors = {"label": (second > 0.5).astype(np.int64), "probabilities": both}
    return Rows(Results(Batch(len(leaving), tensors), Meaning(classifier(labels))), 0, len(leaving))


def values(*numbers: float) -> Rows:
    return Rows(
        Results(Batch(len(numbers), {"value": np.array(numbers)}), Meaning(manifest())), 0, len(numbers)
    )


def test_labels_agree_or_not_and_probabilities_lie_apart() -> None:
    seen = compare(judged(0.9, 0.4, 0.6), judged(0.8, 0.4, 0.1))
    assert [difference.agree for difference in seen] == [True, True, False]
    assert [difference.shift for difference in seen] == pytest.approx([0.1, 0.0, 0.5], abs=1e-6)


def test_labels_in_another_order_are_compared_by_name_and_confidence() -> None:
    (one,) = compare(judged(0.9), judged(0.2, labels=("leaves", "stays")))
    assert one.agree
    assert one.shift == pytest.approx(0.1, abs=1e-6)


def test_numbers_agree_within_a_hundredth() -> None:
    seen = compare(values(100.0, 100.0, 0.0), values(100.9, 102.0, 0.0))
    assert [difference.agree for difference in seen] == [True, False, True]
    assert [difference.shift for difference in seen] == pytest.approx([0.9, 2.0, 0.0])


def test_only_the_rows_of_the_request_are_compared() -> None:
    shared = values(1.0, 2.0, 3.0)
    assert compare(Rows(shared.results, 1, 2), values(2.0, 3.0)) == [Difference(agree=True, shift=0.0)] * 2


def test_an_answer_that_is_not_finite_agrees_with_nothing() -> None:
    (one,) = compare(values(float("nan")), values(float("nan")))
    assert one == Difference(agree=False, shift=None)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([1.0, 2.0], [1.001, 2.0], True),
        ([1.0, 2.0], [1.0], False),
        (["a"], ["a"], True),
        (None, None, True),
        (None, 1.0, False),
        (True, True, True),
    ],
)
def test_lists_agree_element_by_element(first: Any, second: Any, same: bool) -> None:
    assert agree(first, second) is same


DIFFERENCES = st.lists(
    st.lists(st.builds(Difference, st.booleans(), st.none() | st.floats(0, 1)), min_size=1, max_size=5),
    max_size=30,
)


@given(DIFFERENCES)
def test_sums_are_sums_and_the_worst_are_the_worst(requests: list[list[Difference]]) -> None:
    known = Comparison()
    for at, rows in enumerate(requests):
        known.add(rows, primary=0.5, shadow=0.25, example=lambda row, at=at: (at, row))  # type: ignore[misc]
    flat = [difference for rows in requests for difference in rows]
    shifts = [difference.shift for difference in flat if difference.shift is not None]
    assert known.rows == len(flat)
    assert known.agreed == sum(difference.agree for difference in flat)
    assert known.largest == max(shifts, default=0.0)
    worst = [requests[at][row].rank for at, row in known.describe()["worst"]]
    assert worst == sorted((one.rank for one in flat if one.rank > (False, 0.0)), reverse=True)[:WORST]


def test_rates_and_means_are_told() -> None:
    known = Comparison()
    rows = compare(judged(0.9, 0.6), judged(0.8, 0.1))
    known.add(rows, primary=0.2, shadow=0.4, example=lambda row: {"row": row})
    told = known.describe()
    assert (told["agreement"], told["latency_seconds"]) == (0.5, {"answered": 0.2, "shadow": 0.4})
    assert told["shift"] == pytest.approx({"mean": 0.3, "max": 0.5}, abs=1e-6)
    assert told["worst"] == [{"row": 1}, {"row": 0}]
