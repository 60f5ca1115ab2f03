"""Rows that cannot be read stand among the answers, each in its own place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from modelport.cli.answers import Entry
from modelport.cli.rows import Unreadable
from modelport.client import ItemError

Ask = Callable[[Iterator[object]], Iterable[Entry]]


def answered(items: Iterable[object], ask: Ask) -> Iterator[Entry]:
    """What `ask` answers to the items that can be read, and a refusal in the place of each other one.

    `ask` may read ahead; it answers in order, one entry per item.
    """
    sieve = _Sieve(items)
    for entry in ask(sieve.readable()):
        place = sieve.places.popleft()
        yield from sieve.refused(place)
        yield msgspec.structs.replace(entry, index=place)
    yield from sieve.refused(sieve.seen)


class _Sieve:
    """Keeps the places of what passes, and what does not pass."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items = items
        self._unreadable: deque[ItemError] = deque()
        self.places: deque[int] = deque()
        self.seen = 0

    def readable(self) -> Iterator[object]:
        for item in self._items:
            place, self.seen = self.seen, self.seen + 1
            if isinstance(item, Unreadable):
                self._unreadable.append(ItemError(place, item.error))
            else:
                self.places.append(place)
                yield item

    def refused(self, before: int) -> Iterator[ItemError]:
        while self._unreadable and self._unreadable[0].index < before:
            yield self._unreadable.popleft()
