"""Which lazy models are to be in memory: pure, given their sizes, their last use and who waits for them.

A model that is used is never let go, nor one that is pinned. Memory is made by letting go of those that were
used least recently (LRU), as few as will do, and only when that makes enough of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar


class Seat(Protocol):
    """A lazy model, in memory or not."""

    @property
    def size(self) -> int:
        """Bytes of memory: as measured, or the size of its files until it was loaded once."""
        ...

    @property
    def used(self) -> float:
        """When it was last asked, in monotonic seconds."""
        ...

    @property
    def in_use(self) -> bool:
        """Whether calls wait for it, or it runs."""
        ...


T = TypeVar("T", bound=Seat)


class Step(NamedTuple, Generic[T]):
    """What to do next, in this order: let go of some, load one, refuse one that will never fit."""

    evict: tuple[T, ...] = ()
    load: T | None = None
    refuse: T | None = None


def next_step(
    wanted: Iterable[T],
    loaded: Collection[T],
    *,
    budget: int,
    pinned: int = 0,
    early: T | None = None,
) -> Step[T]:
    """The next step; an empty one when there is nothing that can be done now.

    Args:
        wanted: models that calls wait for, the longest wait first. One that finds no room because all others
            are in use lets smaller ones pass, and is looked at first again.
        loaded: those in memory.
        budget: bytes for all models.
        pinned: bytes of it that are not ours to give.
        early: one that nobody waits for yet; it is loaded into memory that is free, never at another's cost.
    """
    wanted = list(wanted)
    taken = pinned + sum(seat.size for seat in loaded)
    if taken > budget and (gone := oldest(loaded, taken - budget)):
        return Step(gone)
    for seat in wanted:
        if pinned + seat.size > budget:
            return Step(refuse=seat)
        lacking = taken + seat.size - budget
        gone = oldest(loaded, lacking)
        if lacking <= _freed(gone):
            return Step(gone, seat)
    if early is not None and not wanted and taken + early.size <= budget:
        return Step(load=early)
    return Step()


def oldest(loaded: Collection[T], needed: int) -> tuple[T, ...]:
    """The models not in use that were used least recently, up to `needed` bytes of them."""
    gone: list[T] = []
    if needed > 0:
        for seat in sorted((seat for seat in loaded if not seat.in_use), key=lambda seat: seat.used):
            if needed <= 0:
                break
            gone.append(seat)
            needed -= seat.size
    return tuple(gone)


def stale(loaded: Collection[T], since: float) -> tuple[T, ...]:
    """The models not in use that nobody asked after `since`."""
    return tuple(seat for seat in loaded if seat.used < since and not seat.in_use)


def pause(failures: int) -> float:
    """Seconds until a model that could not be loaded is tried again: 1, doubling up to 60."""
    return float(min(60, 1 << min(max(failures, 1) - 1, 6)))


def _freed(gone: Sequence[T]) -> int:
    return sum(seat.size for seat in gone)
