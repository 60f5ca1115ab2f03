"""Who has which place in the shared segment. Pure bookkeeping; the supervisor clears what is reused."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from modelport.errors import PlanRefused


class Places:
    """Gives names (slot ids, key ids) an index below `size`, stable as long as the name is kept."""

    def __init__(self, size: int, what: str) -> None:
        self._what = what
        self._size = size
        self._fresh = 0
        self._freed: deque[int] = deque()
        self._taken: dict[str, int] = {}

    def take(self, names: Iterable[str]) -> list[int]:
        """Give each new name a place. Returns the places that another name had before: clear them.

        Places never used come first, then those free for longest. Raises `PlanRefused`, changing nothing,
        when there is not room for all.
        """
        new = [name for name in dict.fromkeys(names) if name not in self._taken]
        room = self._size - self._fresh + len(self._freed)
        if len(new) > room:
            msg = f"{len(new)} new {self._what}s, and room for {room}"
            raise PlanRefused(msg, code="no-room", hint=f"a replica holds {self._size} {self._what}s at most")
        return [place for name in new if (place := self._place(name)) is not None]

    def keep(self, names: Iterable[str]) -> None:
        """Free the place of every name that is not among `names`."""
        kept = set(names)
        for name in [name for name in self._taken if name not in kept]:
            self._freed.append(self._taken.pop(name))

    def of(self, names: Iterable[str]) -> dict[str, int]:
        """The places of names that have one."""
        return {name: self._taken[name] for name in names}

    def taken(self) -> list[int]:
        """Every place that has a name now."""
        return list(self._taken.values())

    def _place(self, name: str) -> int | None:
        """Take a place; the index when it was used before, None when it is fresh."""
        if self._fresh < self._size:
            self._taken[name] = self._fresh
            self._fresh += 1
            return None
        self._taken[name] = reused = self._freed.popleft()
        return reused
