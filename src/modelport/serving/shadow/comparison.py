"""What two models answered to the same rows: how often they agree, and how far apart they are."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from modelport.core.fleet import EXAMPLES, ShadowSeen
from modelport.serving.results import Results

TOLERANCE = 0.01
"""Numbers that differ by less than this part of the larger one agree."""
WORST = 20
"""Examples that are kept."""


class Rows(NamedTuple):
    """Where the answer to one request stands: rows `start` to `start + rows` of shared results."""

    results: Results
    start: int
    rows: int

    def predictions(self) -> list[Any]:
        """The answer of each row."""
        return self.results.predictions()[self.start : self.start + self.rows]

    def confidences(self) -> list[float | None]:
        """How sure the model is of each row."""
        return self.results.confidences()[self.start : self.start + self.rows]


class Difference(NamedTuple):
    """One row: whether the answers agree, and the distance between the scores, where there are any."""

    agree: bool
    shift: float | None

    @property
    def rank(self) -> tuple[bool, float]:
        """The worse, the higher."""
        return not self.agree, self.shift or 0.0


def compare(primary: Rows, shadow: Rows) -> list[Difference]:
    """Row by row; both answered the same rows.

    The distance is the largest difference of a probability, else that of the confidence, else that of the
    number that was predicted.
    """
    shifts = _shifts(primary, shadow)
    pairs = zip(primary.predictions(), shadow.predictions(), shifts, strict=True)
    return [Difference(agree(first, second), shift) for first, second, shift in pairs]


def agree(first: Any, second: Any) -> bool:
    """Whether two predictions say the same; numbers within `TOLERANCE`, lists element by element."""
    if isinstance(first, float) or isinstance(second, float):
        return _number(first) and _number(second) and _near(first, second)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(agree, first, second))
    return bool(first == second)


class Comparison:
    """Sums over all compared requests, and the worst of them. Owned by the event loop.

    Attributes:
        requests, rows: compared.
        agreed: rows with the same prediction.
        shifts: rows that have a distance.
        total, largest: sum and maximum of the distances.
        primary, shadow: seconds that the two took for the requests, in sum.
    """

    def __init__(self) -> None:
        self.requests = self.rows = self.agreed = self.shifts = 0
        self.total = self.largest = self.primary = self.shadow = 0.0
        self._order = count()
        self._worst: list[tuple[tuple[bool, float], int, Any]] = []

    def add(
        self,
        differences: Sequence[Difference],
        *,
        primary: float,
        shadow: float,
        example: Callable[[int], Any],
    ) -> None:
        """One request, and the seconds that both took for it; `example` tells what is kept of a row."""
        known = [difference.shift for difference in differences if difference.shift is not None]
        self.requests += 1
        self.rows += len(differences)
        self.agreed += sum(difference.agree for difference in differences)
        self.shifts += len(known)
        self.total += sum(known)
        self.largest = max(self.largest, *known) if known else self.largest
        self.primary += primary
        self.shadow += shadow
        for row, difference in enumerate(differences):
            self._rank(difference, row, example)

    def describe(self) -> dict[str, Any]:
        """Rates, distances, mean seconds, and the worst rows, worst first."""
        told: dict[str, Any] = {"requests": self.requests, "rows": self.rows}
        if self.rows:
            told["agreement"] = self.agreed / self.rows
            seconds = self.primary / self.requests, self.shadow / self.requests
            told["latency_seconds"] = dict(zip(("answered", "shadow"), seconds, strict=True))
        if self.shifts:
            told["shift"] = {"mean": self.total / self.shifts, "max": self.largest}
        worst = sorted(self._worst, key=lambda one: one[:2], reverse=True)
        return told | {"worst": [example for _, _, example in worst]}

    def seen(self, endpoint: str, slot: str, against: str) -> ShadowSeen:
        """The sums, and some of the worst rows."""
        worst = heapq.nlargest(EXAMPLES, self._worst, key=lambda one: one[:2])
        return ShadowSeen(
            endpoint,
            slot,
            against,
            self.requests,
            self.rows,
            self.agreed,
            self.shifts,
            self.total,
            self.largest,
            self.primary,
            self.shadow,
            tuple(example for _, _, example in worst),
        )

    def _rank(self, difference: Difference, row: int, example: Callable[[int], Any]) -> None:
        """Keep the row if it is among the worst; rows without any difference are no examples."""
        rank = difference.rank
        if rank <= (False, 0.0) or (len(self._worst) == WORST and rank <= self._worst[0][0]):
            return
        entry = (rank, next(self._order), example(row))
        if len(self._worst) == WORST:
            heapq.heapreplace(self._worst, entry)
        else:
            heapq.heappush(self._worst, entry)


def _shifts(primary: Rows, shadow: Rows) -> list[float | None]:
    meanings = primary.results.meaning, shadow.results.meaning
    if all(meaning.probabilistic for meaning in meanings) and meanings[0].labels == meanings[1].labels:
        apart = np.abs(_probabilities(primary) - _probabilities(shadow)).max(axis=1)
        return [_finite(value) for value in apart.tolist()]
    if any(meaning.probabilistic for meaning in meanings):
        return list(map(_apart, primary.confidences(), shadow.confidences()))
    return list(map(_apart, primary.predictions(), shadow.predictions()))


def _probabilities(rows: Rows) -> Any:
    array = rows.results.batch.array("probabilities")
    return array[rows.start : rows.start + rows.rows].astype(np.float64)


def _apart(first: Any, second: Any) -> float | None:
    return _finite(abs(first - second)) if isinstance(first, float) and isinstance(second, float) else None


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _near(first: float, second: float) -> bool:
    return abs(first - second) <= TOLERANCE * max(abs(first), abs(second))
