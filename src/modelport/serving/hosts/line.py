"""A worker as its model host sees it: its calls come in over one wire, and are answered on it."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable
from typing import Protocol

import msgspec

from modelport.errors import ModelportError
from modelport.runtimes.batch import Batch, cut
from modelport.runtimes.wire import assembled, dismantled, padded
from modelport.serving.call import Call
from modelport.serving.hosts import frames
from modelport.serving.hosts.wire import Wire
from modelport.serving.results import Results


class Kitchen(Protocol):
    """Who answers the calls of a host."""

    def ask(self, call: LineCall) -> None:
        """Take a call."""

    def ran(self) -> list[frames.Ran]:
        """Batches that were run and not told of yet."""

    def gone(self, line: Line) -> None:
        """A worker has left."""


class LineCall(Call):
    """One call of one worker."""

    __slots__ = ("line", "most", "number")

    def __init__(self, line: Line, ask: frames.Ask, batch: Batch) -> None:
        super().__init__(None, batch, id="", received=ask.received, protocol=0)  # type: ignore[arg-type]
        self.line = line
        self.number = ask.id
        self.most = ask.most
        self.queued = ask.queued
        self.deadline = ask.deadline
        self.partial = ask.partial

    def answered(self, results: Results, start: int) -> int:
        """Send this call's rows back."""
        whole = start == 0 and self.rows == results.batch.rows
        heads, parts = dismantled(results.batch if whole else cut(results.batch, start, start + self.rows))
        errors = {
            row - start: frames.fault_of(error)
            for row, error in results.errors.items()
            if start <= row < start + self.rows
        }
        self.line.answer(self, frames.Answer(self.number, heads, errors, self.line.ran()), parts)
        return 200

    def failed(self, error: ModelportError) -> int:
        """Send the error back."""
        self.line.answer(self, frames.Refusal(self.number, frames.fault_of(error), self.line.ran()))
        return error.status


class Line:
    """One end of a wire to a worker. Owned by the event loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, token: bytes, kitchen: Kitchen
    ) -> None:
        self._token = token
        self._kitchen = kitchen
        self._known = False
        self._calls: dict[int, LineCall] = {}
        self._wire = Wire(loop, sock, self._heard, self._ended)
        self.ran: Callable[[], list[frames.Ran]] = kitchen.ran

    def starting(self, numbers: list[int], together: int) -> None:
        """These calls are about to be run, in a batch of so many."""
        self._wire.send(frames.encode(frames.Starting(numbers, together)))

    def answer(
        self, call: LineCall, answer: frames.Answer | frames.Refusal, parts: list[memoryview] | None = None
    ) -> None:
        """Answer a call."""
        self._calls.pop(call.number, None)
        self._wire.send(frames.encode(answer), list(padded(parts or ())))

    def _heard(self, head: bytes, memory: memoryview) -> None:
        try:
            message = frames.to_host.decode(head)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error
        if isinstance(message, frames.Knock):
            self._known = hmac.compare_digest(message.token, self._token)
        if not self._known:
            msg = "a stranger knocked"
            raise ValueError(msg)
        if isinstance(message, frames.Ask):
            call = LineCall(self, message, assembled(message.heads, memory))
            self._calls[call.number] = call
            self._kitchen.ask(call)
        elif isinstance(message, frames.Cancel):
            for number in message.ids:
                if (unwanted := self._calls.get(number)) is not None:
                    unwanted.cancelled = True

    def _ended(self, fault: str) -> None:  # noqa: ARG002 - the worker says why, if it lives
        for call in self._calls.values():
            call.cancelled = True
        self._calls.clear()
        self._kitchen.gone(self)
