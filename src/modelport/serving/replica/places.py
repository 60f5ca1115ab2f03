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

    def assign(self, names: Iterable[str]) -> list[int]:
        """Give each of these names a place, and free those of all others.

        Returns the places that another name had before: clear them. Places never used come first, then
        those free for longest. Raises `PlanRefused`, changing nothing, when there is not room for all.
        """
        wanted = dict.fromkeys(names)
        if len(wanted) > self._size:
            msg = f"{len(wanted)} {self._what}s, and room for {self._size}"
            raise PlanRefused(msg, code="no-room", hint=f"leave out a {self._what} that is not needed")
        for name in [name for name in self._taken if name not in wanted]:
            self._freed.append(self._taken.pop(name))
        new = [name for name in wanted if name not in self._taken]
        return [place for name in new if (place := self._place(name)) is not None]

    def of(self, names: Iterable[str]) -> dict[str, int]:
        """The places of names that have one."""
        return {name: self._taken[name] for name in names}

    def all(self) -> dict[str, int]:
        """Every name that has a place, and which."""
        return dict(self._taken)

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
