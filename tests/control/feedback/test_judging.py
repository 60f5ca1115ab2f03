"""When a prediction was right."""

from __future__ import annotations

from typing import Any

import pytest

from modelport.control.feedback.judging import right


@pytest.mark.parametrize(
    ("predicted", "actual"),
    [
        ("leaves", "leaves"),
        (3, "3"),
        (3, 3.0),
        (3.0, "3"),
        (True, "true"),
        (False, False),
        ("3", 3),
        (0.5, "0.50"),
    ],
)
def test_the_same_label_is_right_however_it_is_written(predicted: Any, actual: Any) -> None:
    assert right("classification", predicted, actual) is True


@pytest.mark.parametrize(
    ("predicted", "actual"),
    [("leaves", "stays"), (3, 8), (True, 1), (10**17, 10**17 + 1), ("nan", "inf")],
)
def test_another_label_is_wrong(predicted: Any, actual: Any) -> None:
    assert right("classification", predicted, actual) is False


def test_of_several_labels_all_must_agree_in_any_order() -> None:
    assert right("multilabel", ["a", "b"], ["b", "a"]) is True
    assert right("multilabel", ["a", "b"], ["a"]) is False


def test_where_right_is_a_matter_of_degree_nothing_is_said() -> None:
    assert right("regression", 2.5, 2.5) is None
