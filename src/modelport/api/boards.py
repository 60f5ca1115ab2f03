"""What changes and is watched by many: read once, whoever waits.

Two hundred replicas that wait for a plan are two hundred futures and one reader. The reader looks when it is
told of a change, and each second anyway: another control plane on the same database tells nobody here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass

_log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks while somebody waits."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: the document, a tag that is another for every other document, and whether no other
    will follow."""

    tag: str
    body: bytes
    last: bool = False


Look = Callable[[], Seen | None]
"""Reads it anew, in a thread; None when there is nothing yet."""


class Board:
    """One watched thing. Owned by the event loop."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._changed = asyncio.Condition()
        self._bell = asyncio.Event()
        self._seen: Seen | None = None
        self._waiting = 0
        self._is_over = False
        self._reader: asyncio.Task[None] | None = None
        self._flight: asyncio.Task[Seen | None] | None = None
        self._next: asyncio.Task[Seen | None] | None = None

    async def after(self, known: str | None, seconds: float) -> Seen | None:
        """What is there as soon as its tag is not `known`; None when it stays so for `seconds`, or when this
        server ends.

        What the look raises is raised here, when it is this caller's own first look.
        """
        first = await self._read()
        if first is not None and first.tag != known:
            return first
        if self._is_over:
            return None
        self._waiting += 1
        try:
            self._watch()
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._is_over or self._is_new(known))
                return self._seen if self._is_new(known) else None
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    def ring(self) -> None:
        """It may have changed: look at once."""
        self._bell.set()

    @property
    def idle(self) -> bool:
        """Whether nobody waits."""
        return self._waiting == 0

    async def end(self) -> None:
        """Let everybody go."""
        self._is_over = True
        if self._reader is not None:
            self._reader.cancel()
        async with self._changed:
            self._changed.notify_all()

    def _is_new(self, known: str | None) -> bool:
        return self._seen is not None and self._seen.tag != known

    async def _read(self) -> Seen | None:
        """What is there now: a look that begins after the call, shared by all who came since the last began.

        One that began before might show less than the caller knows already.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._fly(self._flight))
        return await asyncio.shield(self._next)

    async def _fly(self, before: asyncio.Task[Seen | None] | None) -> Seen | None:
        if before is not None:
            await asyncio.wait([before])
        self._flight, self._next = self._next, None
        seen = await asyncio.to_thread(self._look)
        if seen is not None and (self._seen is None or seen.tag != self._seen.tag):
            async with self._changed:
                self._seen = seen
                self._changed.notify_all()
        return seen

    def _watch(self) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._looking())

    async def _looking(self) -> None:
        while self._waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), LOOK)
            self._bell.clear()
            try:
                await self._read()
            except Exception:  # noqa: BLE001 - the store is away for a moment
                _log.exception("a look failed; those who wait go on waiting")


class Boards:
    """The boards of one API, made when they are asked for and dropped when nobody waits."""

    def __init__(self) -> None:
        self._boards: dict[Hashable, Board] = {}
        self.ended = False

    def board(self, name: Hashable, look: Look) -> Board:
        """The board of a name; `look` is used when it is new."""
        if len(self._boards) > _KEPT:
            self._boards = {key: board for key, board in self._boards.items() if not board.idle}
        return self._boards.setdefault(name, Board(look))

    def ring(self) -> None:
        """Something was published: everybody looks."""
        for board in self._boards.values():
            board.ring()

    @property
    def waiting(self) -> int:
        """Callers who wait."""
        return sum(board._waiting for board in self._boards.values())  # noqa: SLF001 - its own parts

    async def end(self) -> None:
        """Let everybody go; nobody waits any more."""
        self.ended = True
        for board in self._boards.values():
            await board.end()


_KEPT = 256
