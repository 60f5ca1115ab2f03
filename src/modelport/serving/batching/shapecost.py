"""What a batch of rows of some length costs, measured: tokens for a text model, 1 for an image.

On a CPU a padded token costs as much as a real one, and a batch of long texts no less than its texts one by
one; on other hardware it is the other way round. So nothing is assumed: every shape that ran is remembered,
one that never did counts as a little cheaper than what is known beside it, and so gets its try.
"""

from __future__ import annotations

from bisect import bisect_left

_WEIGHT = 0.2
_SPIKE = 4.0  # both as in `cost.CostModel`, for the same reasons
_HOPE = 0.8
"""What a shape that was not measured is taken to cost, as a share of what its neighbours say."""
_STALE = 2_000
"""Batches after which a measurement is no longer believed: the machine may have more room by now."""

LENGTHS = (1, *(size for power in range(1, 17) for size in (1 << power, 3 << (power - 1))))
"""Lengths are told apart in these steps: each is at most half as long again as the one below."""


def length_step(length: int) -> int:
    """The step that a length falls in: the smallest of `LENGTHS` that is no shorter."""
    return LENGTHS[min(bisect_left(LENGTHS, length), len(LENGTHS) - 1)]


class ShapeCost:
    """Seconds per token of batches, by rows (powers of two) and length. Owned by the event loop."""

    __slots__ = ("_rates", "_seen", "_time")

    def __init__(self) -> None:
        self._rates: dict[int, dict[int, float]] = {}  # rows -> length -> seconds per padded token
        self._seen: dict[tuple[int, int], int] = {}
        self._time = 0

    def observe(self, rows: int, length: int, seconds: float) -> None:
        """Remember that `rows` rows, padded to `length`, took `seconds`."""
        self._time += 1
        size, step = _size(rows), length_step(length)
        rates = self._rates.setdefault(size, {})
        rate = seconds / (rows * length)
        known = rates.get(step)
        rates[step] = rate if known is None else known + _WEIGHT * (min(rate, _SPIKE * known) - known)
        self._seen[size, step] = self._time

    def predict(self, rows: int, length: int) -> float:
        """Seconds that `rows` rows padded to `length` should take; infinite while nothing was measured."""
        if not self._rates:
            return float("inf")
        size, step = _size(rows), length_step(length)
        rate = self._rates.get(size, {}).get(step)
        if rate is None:
            rate = self._guess(size, step) * (_HOPE if size > 1 else 1.0)
        elif size > 1 and self._time - self._seen[size, step] > _STALE:
            rate *= _HOPE
        return rate * rows * length

    def _guess(self, size: int, step: int) -> float:
        """The rate of the nearest shape that was measured: by rows first, downwards, then by length."""
        sizes = sorted(self._rates)
        nearest = max((each for each in sizes if each <= size), default=sizes[0])
        rates = self._rates[nearest]
        return rates[min(rates, key=lambda each: (max(each, step) / min(each, step), each))]


def _size(rows: int) -> int:
    return 1 << (rows - 1).bit_length() if rows > 1 else 1
