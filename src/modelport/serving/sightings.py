"""Which callers of a split were seen before: only the first request of each is a trial of its arm.

What one caller sends is alike, so a thousand requests of his are not a thousand witnesses (`core.evidence`).
"""

from __future__ import annotations

BITS = 1 << 20
"""Callers are told apart by so many marks: 128 KiB per experiment and worker. Two that share one count as
one, in whatever arm they are, so that is no bias; after a million callers few new ones are found."""


class Sightings:
    """Of one experiment in one worker. Owned by the event loop."""

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: bytearray | None = None

    def first(self, digest: int) -> bool:
        """Whether nobody with this hash came before; from now on somebody did.

        The low bits of the hash are taken: the high ones say which arm it is.
        """
        marks = self._marks
        if marks is None:
            marks = self._marks = bytearray(BITS // 8)
        place, mask = (digest & (BITS - 1)) >> 3, 1 << (digest & 7)
        if marks[place] & mask:
            return False
        marks[place] |= mask
        return True
