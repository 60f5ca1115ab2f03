"""A document of the control plane that is followed by long polls: each newer one, for ever."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from random import random
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

import msgspec

from modelport.errors import ModelportError
from modelport.serving.fleet.backoff import Backoff
from modelport.serving.fleet.kept import Kept
from modelport.serving.fleet.line import Away, ControlLine
from modelport.serving.log import note
from modelport.serving.replica.pause import Pause

T = TypeVar("T")

WAIT = 25.0
"""Seconds that a poll asks the control plane to wait for something newer."""
AT_ONCE = 1.0
"""A control plane that says sooner that there is nothing newer is not asked again at once."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0


class Kind(NamedTuple, Generic[T]):
    """What is followed.

    Attributes:
        name: as in its route.
        read: decodes a document; raises `ModelportError` for one that cannot be used.
        after: how its revision is written in a poll.
        newer: whether the first takes the place of the second.
    """

    name: str
    read: Callable[[bytes], T]
    after: Callable[[T], str]
    newer: Callable[[T, T], bool]


Elsewhere = Callable[[], Awaitable[bytes | None]]
"""Where the first document may be found while the control plane is away; None when it is not there."""


async def _nowhere() -> bytes | None:
    return None


class Followed(Generic[T]):
    """Begins with what the control plane has; while it is away, with the last good document or a copy.

    Attributes:
        refused: why the last answer was not taken; empty when it was.
    """

    def __init__(self, kind: Kind[T], line: ControlLine, kept: Kept, elsewhere: Elsewhere = _nowhere) -> None:
        self._kind = kind
        self._line = line
        self._kept = kept
        self._elsewhere = elsewhere
        self._known: T | None = None
        self._good: T | None = None
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, random)
        self._pause: Pause | None = None
        self._away = ""
        self.refused = ""

    async def documents(self) -> AsyncIterator[T]:
        """The document there is, then each newer one; waits as long as there is none."""
        data = self._kept.read()
        self._known = self._good = self._read(data) if data is not None else None
        yield await self._first()
        while True:
            yield await self._next()

    def keep(self, document: T) -> None:
        """This one works: the next start may begin with it."""
        if document != self._good:
            self._good = document
            self._kept.write(msgspec.json.encode(document))

    def reload(self) -> None:
        """Ask again now."""
        if self._pause is not None:
            self._pause.nudge()

    async def _first(self) -> T:
        newest = await self._asked(0.0)
        if newest is None and self._known is None:
            data = await self._elsewhere()
            newest = self._taken(data) if data is not None else None
        return newest or self._known or await self._next()

    async def _next(self) -> T:
        while True:
            began = monotonic()
            newest = await self._asked(WAIT)
            if newest is not None:
                return newest
            if self._away or self.refused:
                await self._rest(self._backoff.pause())
            elif monotonic() - began < AT_ONCE:
                await self._rest(AT_ONCE * (0.5 + random()))  # noqa: S311 - no secret

    async def _asked(self, wait: float) -> T | None:
        """A newer document, or None; what went wrong is in `_away` and `refused`."""
        after = self._kind.after(self._known) if self._known is not None else ""
        try:
            data = await self._line.newer(self._kind.name, after, wait)
        except Away as away:
            self._say(str(away))
            return None
        self._say("")
        self.refused = ""
        return self._taken(data) if data is not None else None

    def _taken(self, data: bytes) -> T | None:
        """The document when it can be used and is newer than what is known."""
        found = self._read(data)
        if found is None:
            return None
        if self._known is not None and not self._kind.newer(found, self._known):
            self._refuse(
                f"revision {self._kind.after(found)} is not newer than {self._kind.after(self._known)}"
            )
            return None
        self._known = found
        self._backoff.worked()
        return found

    def _read(self, data: bytes) -> T | None:
        try:
            return self._kind.read(data)
        except ModelportError as error:
            self._refuse(error.message)
            return None

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        note("document refused", logging.ERROR, document=self._kind.name, reason=reason)

    def _say(self, away: str) -> None:
        """Log when the control plane goes and when it is back, not at every try."""
        if away and not self._away:
            note("control plane away", logging.WARNING, document=self._kind.name, reason=away)
        if self._away and not away:
            note("control plane back", document=self._kind.name)
        self._away = away

    async def _rest(self, seconds: float) -> None:
        self._pause = Pause(seconds)
        await self._pause.over()
        self._pause = None
