"""Latency buckets: shifts and masks must keep the order of the numbers they stand for."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from modelport.core.latency import CELLS, bucket, upper

NANOSECONDS = st.integers(0, 2**40)


@given(NANOSECONDS, NANOSECONDS)
def test_a_longer_latency_never_falls_in_an_earlier_bucket(one: int, other: int) -> None:
    assert bucket(min(one, other)) <= bucket(max(one, other))


@given(NANOSECONDS)
@example(0)
@example(2**16)
@example(2**36 - 1)
@example(2**36)
def test_a_latency_lies_between_the_bounds_of_its_bucket(nanoseconds: int) -> None:
    index = bucket(nanoseconds)
    assert 0 <= index < CELLS
    assert nanoseconds / 1e9 < upper(index)
    assert index == 0 or nanoseconds / 1e9 >= upper(index - 1)


def test_neighbouring_bounds_are_at_most_a_thirty_second_apart() -> None:
    bounds = [upper(index) for index in range(CELLS - 1)]
    assert all(1 < after / before <= 1 + 1 / 32 for before, after in pairwise(bounds))
    assert math.isinf(upper(CELLS - 1))
