"""Prediction ids: unique, sorted by time, in ULID's form."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from modelport.core.ids import PredictionIds, crockford

MILLIS = st.integers(0, 2**48 - 1)
FORM = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@given(st.integers(0, 2**32 - 1), st.lists(MILLIS, min_size=1, max_size=50))
def test_ids_are_unique_in_form_and_sort_by_time(entropy: int, clock: list[int]) -> None:
    ids = PredictionIds(entropy)
    made = [ids.next(millis) for millis in sorted(clock)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert all(FORM.fullmatch(one) for one in made)


@given(st.lists(MILLIS, min_size=1, max_size=50))
def test_the_time_is_spelled_whatever_was_asked_before(clock: list[int]) -> None:
    ids = PredictionIds(7)
    assert [ids.next(millis)[:10] for millis in clock] == [crockford(millis, 10) for millis in clock]


@given(MILLIS)
def test_workers_that_start_in_the_same_millisecond_share_no_id(millis: int) -> None:
    assert PredictionIds(1).next(millis) != PredictionIds(2).next(millis)


def test_crockford_spells_as_ulid_does() -> None:
    """The example of the specification's own reference implementation."""
    assert crockford(1469918176385, 10) == "01ARYZ6S41"
    assert crockford(2**48 - 1, 10) == "7ZZZZZZZZZ"
