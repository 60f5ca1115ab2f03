"""One worker's wire to one model host: calls out, answers back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Protocol

import msgspec

from modelport.runtimes.wire import dismantled, padded
from modelport.serving.call import Call
from modelport.serving.hosts import frames
from modelport.serving.hosts.wire import Wire
from modelport.serving.replica.messages import Door


class Owner(Protocol):
    """Who is told what comes over a link."""

    def starting(self, calls: Sequence[Call]) -> None:
        """The host is about to run these."""

    def back(
        self, call: Call, frame: frames.Answer | frames.Refusal, memory: memoryview, *, ran: bool
    ) -> None:
        """The answer to a call, and whether the host ran it."""

    def lost(self, link: Link, running: Mapping[Call, int], waiting: Sequence[Call], fault: str) -> None:
        """The wire has ended: these the host may have been running, each in a batch of so many calls, and
        those it was not."""


class Link:
    """Owned by one event loop.

    Attributes:
        door: where it leads.
        rows: rows of the calls that are out.
        leaving: it takes no new calls, and ends with the last answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, door: Door, token: bytes, owner: Owner) -> None:
        """Raises `OSError` when nobody listens there any more."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.connect(door.address)  # local: it is queued, or refused, at once
        except OSError:
            sock.close()
            raise
        self.door = door
        self.rows = 0
        self.leaving = False
        self._owner = owner
        self._numbers = count(1)
        self._calls: dict[int, Call] = {}
        self._running: dict[int, int] = {}
        self._wire = Wire(loop, sock, self._heard, self._ended)
        self._wire.send(frames.encode(frames.Knock(token)))

    @property
    def calls(self) -> Sequence[Call]:
        """The calls that are out, in order."""
        return list(self._calls.values())

    def ask(self, call: Call, late: float, most: int = 0) -> None:
        """Send a call, which is worthless from `late` on, and whose batch may hold `most` calls (0: any)."""
        number = next(self._numbers)
        heads, parts = dismantled(call.batch)
        ask = frames.Ask(number, call.received, call.queued, late, call.partial, heads, most)
        self._calls[number] = call
        self.rows += call.rows
        self._wire.send(frames.encode(ask), list(padded(parts)))

    def forget(self, unwanted: Sequence[Call]) -> None:
        """Say that nobody waits for these any more."""
        gone = set(map(id, unwanted))
        numbers = [number for number, call in self._calls.items() if id(call) in gone]
        if numbers:
            self._wire.send(frames.encode(frames.Cancel(numbers)))

    def leave(self) -> None:
        """Take no new calls, and end with the last answer."""
        self.leaving = True
        if not self._calls:
            self._wire.close()

    def _heard(self, head: bytes, memory: memoryview) -> None:
        try:
            frame = frames.to_worker.decode(head)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error
        if isinstance(frame, frames.Starting):
            self._running.update(dict.fromkeys(frame.ids, frame.together))
            self._owner.starting([self._calls[number] for number in frame.ids if number in self._calls])
            return
        call = self._calls.pop(frame.id, None)
        if call is None:
            msg = "an answer to a call that was not asked"
            raise ValueError(msg)
        ran = self._running.pop(frame.id, 0) > 0
        self.rows -= call.rows
        self._owner.back(call, frame, memory, ran=ran)
        if self.leaving and not self._calls:
            self._wire.close()

    def _ended(self, fault: str) -> None:
        running = {
            self._calls[number]: batch for number, batch in self._running.items() if number in self._calls
        }
        waiting = [call for number, call in self._calls.items() if number not in self._running]
        self._calls.clear()
        self.rows = 0
        self._owner.lost(self, running, waiting, fault)
