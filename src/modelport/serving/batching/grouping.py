"""Which rows that wait share the next batch: a pure decision over their lengths and the measured cost.

The row that waits longest is always in it. Others join as far as that is cheaper than answering each by
itself: rows of like length where padding costs as much as work, whatever waits where rows are nearly free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

_WORTH = 0.97
"""A batch has to save this much: below it, rows that go alone are answered sooner for the same work."""


class Cost(Protocol):
    """Predicted seconds of a batch (`shapecost.ShapeCost`)."""

    def predict(self, rows: int, length: int) -> float: ...


class Bounds(NamedTuple):
    """The largest batch: in rows, and in tokens with their padding."""

    rows: int
    tokens: int


def choose(first: int, waiting: Mapping[int, int], cost: Cost, bounds: Bounds) -> dict[int, int]:
    """How many rows of each length to take now.

    `first` is the length of the row that waits longest, `waiting` counts the rows by length, that row
    included. The answer takes at least one row of length `first`.
    """
    best, least = {first: 1}, _WORTH
    for longest in sorted(length for length in waiting if length >= first):
        for taken, alone in _fillings(first, longest, waiting, cost, bounds):
            rows = sum(taken.values())
            share = cost.predict(rows, longest) / alone
            if share < least:
                best, least = dict(taken), share
    return best


def _fillings(
    first: int, longest: int, waiting: Mapping[int, int], cost: Cost, bounds: Bounds
) -> Iterator[tuple[dict[int, int], float]]:
    """Batches padded to `longest`, of 2, 4, 8, ... rows and the largest there is, longest rows first.

    Each comes with what its rows would cost one by one. The same dict is filled on; copy it to keep it.
    """
    most = min(bounds.rows, max(1, bounds.tokens // longest))
    taken = {first: 1}
    alone = cost.predict(1, first)
    rows, mark = 1, 2
    for length in sorted((each for each in waiting if each <= longest), reverse=True):
        left = waiting[length] - (length == first)
        each = cost.predict(1, length)
        while left and rows < most:
            step = min(left, mark - rows, most - rows)
            taken[length] = taken.get(length, 0) + step
            alone += step * each
            rows += step
            left -= step
            if rows == mark:
                yield taken, alone
                mark *= 2
    if rows > 1 and rows != mark // 2:
        yield taken, alone
