"""What a batch costs, measured: the engine takes the cheapest batch and knows what may run on the loop."""

from __future__ import annotations

_WEIGHT = 0.2
"""Share of a new measurement in the average: some ten batches to follow a change."""

_SPIKE = 4.0
"""A measurement counts as at most this many averages. A process that lost its core for 2 ms has measured
that, not the model; a model that really became slow is followed all the same, by half as much per batch."""


class CostModel:
    """Average seconds per batch, kept for sizes in powers of two and joined by straight lines.

    Not thread-safe: owned by the event loop.
    """

    __slots__ = ("_seconds", "_sizes")

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._sizes: tuple[int, ...] = ()  # those measured, largest first

    def observe(self, rows: int, seconds: float) -> None:
        """Remember that `rows` rows took `seconds`."""
        size = _bucket(rows)
        # Scaled to the bucket's size, so that 33 rows and 64 rows tell the same thing about cost per row.
        scaled = seconds * size / rows
        known = self._seconds.get(size)
        if known is None:
            self._seconds[size] = scaled
            self._sizes = tuple(sorted(self._seconds, reverse=True))
        else:
            self._seconds[size] = known + _WEIGHT * (min(scaled, _SPIKE * known) - known)

    def predict(self, rows: int) -> float:
        """Seconds that a batch of `rows` should take; infinite while nothing was measured."""
        if not self._seconds:
            return float("inf")
        size = _bucket(rows)
        known = self._seconds.get(size)
        if known is not None:
            return known * rows / size
        below = max((s for s in self._seconds if s < size), default=0)
        above = min((s for s in self._seconds if s > size), default=0)
        return self._between(rows, below, above)

    def best(self, waiting: int, limit: int) -> int:
        """How many of the `waiting` rows to take now: the size with the least measured cost per row.

        Sizes never measured count as good as the largest measured one below them, so they get tried. A
        smaller batch has to be a tenth better than a larger one: fewer batches leave more time to others.
        """
        most = min(waiting, limit)
        best, least = most, self._per_row(most)
        for size in self._sizes:
            if size < most and (cost := self._per_row(size)) < least * 0.9:
                best, least = size, cost
        return best

    def _per_row(self, rows: int) -> float:
        size = _bucket(rows)
        known = self._seconds.get(size)
        if known is not None:
            return known / size
        below = max((s for s in self._seconds if s < size), default=0)
        return self._seconds[below] / below if below else 0.0

    def _between(self, rows: int, below: int, above: int) -> float:
        if below and above:
            share = (rows - below) / (above - below)
            return self._seconds[below] + share * (self._seconds[above] - self._seconds[below])
        if below:
            return self._seconds[below] * rows / below
        return self._seconds[above]


def _bucket(rows: int) -> int:
    return 1 << (rows - 1).bit_length() if rows > 1 else 1
