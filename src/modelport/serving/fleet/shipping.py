"""Ships the event spool to a control plane that cannot read it from this disk: whole frames, each once.

What was taken there is remembered on this disk; where that is lost the answer to the first part says it.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from random import random

import msgspec

from modelport.core.ready import ready
from modelport.serving.fleet.backoff import Backoff
from modelport.serving.fleet.kept import Kept
from modelport.serving.fleet.line import Away, ControlLine
from modelport.serving.log import note
from modelport.serving.telemetry.frames import FILE_HEADER, MAX_BODY, whole
from modelport.serving.telemetry.spool import places

EVERY = 2.0
"""Seconds between two looks at the spool."""
PART = 1024 * 1024
"""Bytes of frames that are shipped at a time; one longer frame goes alone."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class Taken(msgspec.Struct, frozen=True):
    """The answer to a part: how far the file goes there now."""

    offset: int


class Shipper:
    """Owned by the event loop of the supervisor; files are read in threads. No request waits for it.

    A spool that is full deletes its oldest files, shipped or not, and counts what was in them.
    """

    def __init__(self, line: ControlLine, spool: Path, kept: Kept) -> None:
        self._line = line
        self._spool = spool
        self._kept = kept
        self._offsets = _known(kept.read())
        self._away = False

    async def run(self) -> None:
        """Ship for ever."""
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, random)
        while True:
            try:
                await self._round()
                self._say("")
                backoff.worked()
                await asyncio.sleep(EVERY)
            except (Away, OSError, msgspec.MsgspecError) as error:
                self._say(str(error) or type(error).__name__)
                await asyncio.sleep(EVERY + backoff.pause())

    async def _round(self) -> None:
        """Ship all that is there now."""
        files = await asyncio.to_thread(_files, self._spool)
        self._offsets = {name: at for name, at in self._offsets.items() if name in files}
        for name in files:
            while await self._part(name):
                pass

    async def _part(self, name: str) -> bool:
        """Whether something was shipped of a file, so that there may be more."""
        offset = self._offsets.get(name, 0)
        frames = await asyncio.to_thread(_frames, self._spool / name, offset)
        if not frames:
            return False
        answer = msgspec.json.decode(await self._line.ship(name, offset, frames), type=ready(Taken))
        if answer.offset <= offset:
            msg = f"it has {answer.offset} bytes of {name}, and was sent those from {offset} on"
            self._offsets[name] = answer.offset
            raise Away(msg)
        self._offsets[name] = answer.offset
        await asyncio.to_thread(self._kept.write, msgspec.json.encode(self._offsets))
        return True

    def _say(self, away: str) -> None:
        """Log when nothing is taken any more, and when it is again."""
        if away and not self._away:
            note("events not shipped", logging.WARNING, reason=away)
        if self._away and not away:
            note("events shipped again")
        self._away = bool(away)


def _known(data: bytes | None) -> dict[str, int]:
    try:
        return msgspec.json.decode(data, type=dict[str, int]) if data else {}
    except msgspec.MsgspecError:
        return {}


def _files(spool: Path) -> list[str]:
    """Names of the spool's files, in the order of events."""
    return [str(place) for place in places(spool)] if spool.is_dir() else []


def _frames(path: Path, offset: int) -> bytes:
    """Whole frames from `offset` on, the header of the file before the first; empty when there are none."""
    head = len(FILE_HEADER) if offset == 0 else 0
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(PART)
            end = whole(data[head:])
            if not end and len(data) == PART:
                data += file.read(MAX_BODY)
                end = whole(data[head:])
    except FileNotFoundError:
        return b""
    return data[: head + end] if end else b""
