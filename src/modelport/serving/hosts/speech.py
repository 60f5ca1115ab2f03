"""What a model prints, line by line into the log of the replica: bounded, so that it cannot drown it."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from modelport.serving.log import note

LONGEST = 2000
"""Characters of a line that are kept."""
MOST = 100
"""Lines a second that are kept."""


class Speech(asyncio.Protocol):
    """Reads the standard output and error of one host, as fast as they come.

    Args:
        slot: whose model it is.
    """

    def __init__(self, slot: str) -> None:
        self._slot = slot
        self._rest = b""
        self._second = 0
        self._lines = 0
        self._dropped = 0

    def data_received(self, data: bytes) -> None:
        """Some output."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._say(line)
        if len(self._rest) > LONGEST:
            self._say(self._rest)
            self._rest = b""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own signature
        """The host has gone, and its children."""
        if self._rest:
            self._say(self._rest)
        self._tell_dropped()

    def _say(self, line: bytes) -> None:
        second = int(monotonic())
        if second != self._second:
            self._tell_dropped()
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > MOST:
            self._dropped += 1
            return
        text = line[: 4 * LONGEST].decode("utf-8", "replace").rstrip("\r")[:LONGEST]
        if text:
            note("model said", slot=self._slot, line=text)

    def _tell_dropped(self) -> None:
        if self._dropped:
            note("model said too much", logging.WARNING, slot=self._slot, dropped=self._dropped)
            self._dropped = 0
