"""Lets calls into the queue of a model host: a few at a time, where a batch of theirs took too much memory.

After such a batch its calls are asked once more, in smaller batches, of the next host. While one of them
waits, whatever comes behind it waits too: its batch would not be small otherwise.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice, takewhile

from modelport.errors import Overloaded
from modelport.serving.dispatch import Dispatcher
from modelport.serving.hosts.line import LineCall


class Turnstile:
    """Owned by the event loop of a model host. Costs nothing as long as no call is asked again.

    Args:
        dispatcher: who forms batches; it is this turnstile's alone.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, dispatcher: Dispatcher) -> None:
        self._loop = loop
        self._dispatcher = dispatcher
        self._queue: deque[LineCall] = deque()
        self._scheduled = False
        dispatcher.when_idle = self._soon

    def wait(self) -> float:
        """As the dispatcher's own."""
        return self._dispatcher.wait()

    def submit(self, call: LineCall) -> None:
        """Take a call: at once, unless it needs a small batch or stands behind one that does."""
        if not call.most and not self._queue:
            self._enter(call)
            return
        self._queue.append(call)
        self._soon()

    def _soon(self) -> None:
        """Once for all calls that come in one turn of the loop."""
        if self._queue and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Let the next few in, if the last few are through."""
        self._scheduled = False
        if not self._queue or not self._dispatcher.idle:
            return
        most = self._queue[0].most
        alike = sum(1 for _ in takewhile(lambda call: call.most == most, islice(self._queue, most or None)))
        for call in [self._queue.popleft() for _ in range(alike)]:
            self._enter(call)

    def _enter(self, call: LineCall) -> None:
        try:
            self._dispatcher.submit(call)
        except Overloaded as error:
            call.failed(error)
