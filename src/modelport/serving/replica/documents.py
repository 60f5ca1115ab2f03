"""JSON documents on disk that a replica watches: a plan, the keys."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from modelport.core.ready import ready
from modelport.errors import ModelportError, SettingsError
from modelport.serving.log import note
from modelport.serving.replica.pause import Pause

INTERVAL = 0.2
"""Seconds between two looks at a file."""
MAX_DOCUMENT = 16 * 1024 * 1024
"""Longest document, in bytes."""
_SETTLED = 2.0
"""A file touched this recently may change again without changing its time stamp."""

T = TypeVar("T")


def parse(data: bytes, kind: type[T], what: str) -> T:
    """The document in `data`; raises `SettingsError` naming the line, or the place, of the first fault."""
    try:
        return msgspec.json.decode(data, type=ready(kind))
    except msgspec.ValidationError as error:
        msg = f"the {what} is not valid: {error}"
    except (msgspec.DecodeError, RecursionError) as error:
        msg = f"the {what} is not JSON: {_with_line(data, str(error))}"
    raise SettingsError(msg, code="bad-document", hint="it may be half written; mend it and write it again")


class WatchedFile:
    """A file that is looked at every 0.2 s, and read when its time, size or inode changed."""

    def __init__(self, path: str | Path, what: str) -> None:
        self._path = Path(path)
        self._what = what
        self._pause = Pause(INTERVAL)
        self._digest = b""
        self._stamp: tuple[int, int, int] | None = None

    def reload(self) -> None:
        """Read again now, whatever the time stamps say."""
        self._stamp = None
        self._digest = b""
        self._pause.nudge()

    async def documents(self, read: Callable[[bytes], T]) -> AsyncIterator[T]:
        """What `read` makes of the content now, and of each that differs.

        Raises its `ModelportError` for the first content; later ones keep what there was, and are logged.
        """
        yield read(self._content())
        while True:
            await self._pause.over()
            try:
                data = self._changed()
                if data is not None:
                    yield read(data)
            except ModelportError as error:
                note(f"{self._what} refused", logging.ERROR, reason=str(error))

    def _changed(self) -> bytes | None:
        """The content when it differs from what was last read."""
        try:
            stamp = self._look()
        except OSError:
            stamp = (0, 0, 0)
        recent = time.time() - stamp[0] / 1e9 < _SETTLED
        if stamp == self._stamp and not recent:
            return None
        self._stamp = stamp
        before = self._digest
        data = self._content()
        return data if self._digest != before else None

    def _look(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _content(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_DOCUMENT + 1)
        except OSError as error:
            msg = f"cannot read the {self._what} {self._path.name!r}: {error.strerror}"
            raise SettingsError(
                msg, code="no-such-file", hint="check the path and its permissions"
            ) from error
        self._digest = hashlib.sha256(data).digest()
        if len(data) > MAX_DOCUMENT:
            msg = f"the {self._what} is longer than {MAX_DOCUMENT} bytes"
            raise SettingsError(msg, code="bad-document")
        return data


def _with_line(data: bytes, message: str) -> str:
    """msgspec says `(byte 123)`; people count lines."""
    head, found, tail = message.rpartition("(byte ")
    digits = tail.rstrip(")")
    place = int(digits) if found and digits.isdecimal() else len(data)
    line = data.count(b"\n", 0, place) + 1
    return f"{(head if found else message).strip()} (line {line})"
