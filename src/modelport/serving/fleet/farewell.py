"""Counts of slots that no plan names any more: told until somebody has them, then forgotten."""

from __future__ import annotations

from collections.abc import Iterable

LAST_CALLS = 2.0
"""Seconds after a slot has gone from all plans and a report was taken in until its count is the last: what
the slot still held may end later, but not by much."""


class Farewell:
    """Pure, over monotonic seconds."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}
        self._used: frozenset[str] = frozenset()

    @property
    def unheard(self) -> frozenset[str]:
        """Slots that have gone, and whose last count is not with the control plane yet."""
        return frozenset(self._left)

    def using(self, slots: Iterable[str], now: float) -> None:
        """These slots are named by plans now."""
        used = frozenset(slots)
        gone = self._used - used
        self._left = {slot: at for slot, at in self._left.items() if slot not in used}
        self._left |= dict.fromkeys(gone, now)
        self._used = used

    def heard(self, counted: Iterable[str], at: float) -> None:
        """A report that was made at this time, with the counts of these slots, was taken."""
        for slot in set(counted) & self._left.keys():
            if at - self._left[slot] >= LAST_CALLS:
                del self._left[slot]
