"""Answers and refusals come in the order of the rows, however far the server's client reads ahead."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from modelport.cli.answers import Entry
from modelport.cli.rows import Unreadable
from modelport.cli.sieve import answered
from modelport.client import Answer, ItemError
from modelport.client.many import chunks
from modelport.errors import InvalidInput


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 7))
def test_every_row_has_one_entry_in_its_place(readable: list[bool], batch: int) -> None:
    items = [
        place if good else Unreadable(InvalidInput(f"line {place}")) for place, good in enumerate(readable)
    ]

    def ask(given: Iterator[object]) -> Iterator[Entry]:
        for start, chunk in chunks(given, batch):
            for place, item in enumerate(chunk, start):
                yield Answer(prediction_id="p", model="m", version=1, prediction=item, index=place)

    entries = list(answered(items, ask))
    assert [entry.index for entry in entries] == list(range(len(readable)))
    for entry, good in zip(entries, readable, strict=True):
        if isinstance(entry, ItemError):
            assert (good, entry.error.message) == (False, f"line {entry.index}")
        else:
            assert (good, entry.prediction) == (True, entry.index)
