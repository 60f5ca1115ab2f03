from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelport.compile.sklearn.thresholds import floor32

doubles = st.floats(allow_nan=False, width=64)
singles = st.floats(allow_nan=False, width=32)


@given(doubles, singles)
def test_a_float32_value_falls_on_the_same_side_of_the_rounded_threshold(threshold: float, x: float) -> None:
    assert (x <= threshold) == (np.float32(x) <= floor32(threshold))


@given(doubles)
def test_values_next_to_a_threshold_keep_their_side(threshold: float) -> None:
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
        beside = (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf)))
    assert [float(x) <= threshold for x in beside] == [bool(x <= floor32(threshold)) for x in beside]


@given(singles)
def test_a_threshold_that_is_a_float32_stays_itself(threshold: float) -> None:
    assert floor32(threshold) == np.float32(threshold)


def test_rounding_to_nearest_would_send_a_row_the_other_way() -> None:
    threshold = 0.1  # its nearest float32 lies above it
    x = np.float32(0.1)
    assert not float(x) <= threshold
    assert x <= np.float32(threshold)
    assert not x <= floor32(threshold)
