"""Cells merged as arrays are what adding them one by one gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelport.serving import shared
from modelport.serving.metrics.merged import latest, merged
from modelport.serving.replica import ledger

SLOTS = 5
counts = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, SLOTS - 1),
        st.integers(0, shared.SLOT_CELLS - 1),
        st.integers(1, 2**60),
    ),
    max_size=30,
    unique_by=lambda one: one[:3],
)


@given(counts, st.lists(st.integers(0, SLOTS - 1), unique=True))
def test_a_row_of_sums_per_place_in_the_order_asked(
    counted: list[tuple[int, int, int, int]], places: list[int]
) -> None:
    segment = shared.Segment.create(3, slots=SLOTS, keys=1)
    for worker in range(3):
        ledger.begin(segment, worker, worker + 1, restart=False)
    for worker, place, cell, amount in counted:
        segment.cells[segment.slot(worker, place) + cell] = amount
    assert merged(segment, places).tolist() == [segment.sum_slot(place) for place in places]
    assert latest(segment, places, shared.ROWS) == [
        max(segment.cells[segment.slot(worker, place) + shared.ROWS] for worker in range(3))
        for place in places
    ]
    segment.close()
