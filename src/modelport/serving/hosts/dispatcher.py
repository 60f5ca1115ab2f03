"""The dispatcher of a hosted slot: its calls go to model hosts, and wait here while there is none.

What a host was running when it died fails, with the reason; what it was not running is asked again, of its
successor or of another instance, within its deadline. So are the calls of a batch that took too much memory,
in smaller batches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

from modelport.runtimes.wire import assembled
from modelport.serving import shared
from modelport.serving.batching.alarm import Alarm, earliest
from modelport.serving.batching.backlog import no_room
from modelport.serving.batching.cost import CostModel
from modelport.serving.call import Call
from modelport.serving.counters import Counters
from modelport.serving.execution.run import Outcome
from modelport.serving.hosts import frames
from modelport.serving.hosts.board import GROWS, Board
from modelport.serving.hosts.link import Link
from modelport.serving.hosts.smaller import Smaller
from modelport.serving.hosts.standing import Standing, loss
from modelport.serving.log import note
from modelport.serving.replica.messages import Door, Hosting
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning, Results


class HostDispatcher:
    """Owned by the event loop of one worker.

    Args:
        name: the slot.
        batch_rows: most rows in one batch, for what a queue is predicted to take.
        queue_rows: most rows that may be out or wait.
        timeout: seconds for calls without a deadline of their own.

    Attributes:
        release: ends what the supervisor says of the slot.
        standing: what the supervisor said last.
        instances: hosts that take calls. The supervisor starts them for all workers; setting it here starts
            none.
    """

    def __init__(  # the composition root names every collaborator
        self,
        name: str,
        meaning: Meaning,
        counters: Counters,
        replies: Replies,
        *,
        loop: asyncio.AbstractEventLoop,
        board: Board,
        instances: int,
        batch_rows: int,
        queue_rows: int,
        timeout: float,
    ) -> None:
        self._name = name
        self._meaning = meaning
        self._counters = counters
        self._replies = replies
        self._loop = loop
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._timeout = timeout
        self._links: dict[bytes, Link] = {}
        self._waiting: list[Call] = []
        self._rows = 0
        self._told: set[Call] = set()
        self._smaller = Smaller()
        self._alarm = Alarm(loop)
        self._cost = CostModel()
        self.when_idle: Callable[[], None] | None = None
        self.release: Callable[[], None] = lambda: None
        self.instances = instances
        self.standing = Standing(name, board)

    # What the engine sees.

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._waiting and not any(link.rows for link in self._links.values())

    @property
    def waiting(self) -> int:
        """Rows of this worker that wait or run: where they are is the host's affair."""
        return self._rows

    def wait(self) -> float:
        """Seconds until they are answered, in batches of the best size, were there no other workers."""
        if not self._rows:
            return 0.0
        size = self._cost.best(self._rows, self._batch_rows)
        return self._cost.predict(size) * self._rows / size / max(1, len(self._links))

    @property
    def unready(self) -> str:
        """Why calls are refused now; empty while they are taken."""
        return self.standing.hosting.reason if self._refuses() else ""

    def submit(self, call: Call) -> None:
        """Send a call to the host with least to do; raises `Overloaded` when there is none, or no room."""
        if self._refuses():
            raise self.standing.refusal()
        if self._rows and self._rows + call.rows > self._queue_rows:
            raise no_room(call, self._rows, self._queue_rows, self.wait())
        self._rows += call.rows
        if call.deadline < self._alarm.due:
            self._alarm.set(call.deadline, self._ring)
        self._send(call)
        self._show()

    def sweep(self, now: float) -> None:
        """Answer 504 to every call whose deadline or time-out has passed, and tell the hosts who has left."""
        self._replies.expire(self._all(), now)
        unwanted = [call for call in self._all() if call.cancelled and call not in self._told]
        self._told.update(unwanted)
        for link in self._links.values():
            link.forget(unwanted)
        if any(call.cancelled for call in self._waiting):
            self._drop_unwanted(now)

    def close(self) -> None:
        """Leave the hosts: nothing is out, and no call comes any more."""
        self.release()
        for link in list(self._links.values()):
            link.leave()

    # What the supervisor says.

    def heard(self, hosting: Hosting) -> None:
        """How the slot is hosted from now on."""
        self.standing.heard(hosting)
        self.instances = max(1, len(hosting.doors))
        doors = {door.address: door for door in hosting.doors}
        for address, link in list(self._links.items()):
            if address not in doors:
                link.leave()
        for address, door in doors.items():
            if address not in self._links:
                self._connect(door, hosting.token)
        if self._refuses():
            self._refuse_waiting()
        else:
            self._send_waiting()

    # What a link says.

    def starting(self, calls: Sequence[Call]) -> None:
        """The host is about to run these. Should this worker die meanwhile, they count as lost."""
        self._counters.running(calls, 1)
        self._replies.starting(list(calls))

    def back(
        self, call: Call, frame: frames.Answer | frames.Refusal, memory: memoryview, *, ran: bool
    ) -> None:
        """An answer: whoever is told first counts the batches that were run for all workers."""
        for batch in frame.ran:
            self._cost.observe(batch.rows, batch.computing)
            self._counters.executed(batch.rows, batch.decoding, batch.waiting, batch.computing)
        if ran:
            self._counters.running((call,), -1)
        self._end([self._outcome(call, frame, memory)])

    def lost(self, link: Link, running: Mapping[Call, int], waiting: Sequence[Call], fault: str) -> None:
        """A host has gone, or has let this worker go."""
        self._links.pop(link.door.address, None)
        if fault:
            note("host not understood", logging.ERROR, slot=self._name, reason=fault)
        doom = self.standing.doom(link.door.row)
        again = [
            call for call, batch in running.items() if doom == GROWS and self._smaller.again(call, batch)
        ]
        self._counters.running(running, -1)
        self._end([Outcome(call, None, 0, loss(doom)) for call in running if call not in again])
        self._waiting[:0] = [*again, *waiting]
        if self._refuses():
            self._refuse_waiting()
        else:
            self._send_waiting()

    def _connect(self, door: Door, token: bytes) -> None:
        try:
            self._links[door.address] = Link(self._loop, door, token, self)
        except OSError:
            return  # it died meanwhile: the supervisor says what comes next

    def _send(self, call: Call) -> None:
        links = [link for link in self._links.values() if not link.leaving]
        if links:
            late = min(call.deadline, call.received + self._timeout)
            min(links, key=lambda link: link.rows).ask(call, late, self._smaller.most(call))
        else:
            self._waiting.append(call)

    def _send_waiting(self) -> None:
        calls, self._waiting = self._waiting, []
        now = monotonic()
        for call in calls:
            if call.cancelled or self._replies.late(call, now):
                self._drop(call, now)
            else:
                self._send(call)
        self._show()

    def _refuses(self) -> bool:
        """Whether there is no host, and none is about to come."""
        return self.standing.hopeless and not self._links

    def _refuse_waiting(self) -> None:
        calls, self._waiting = self._waiting, []
        for call in calls:
            self._forget(call)
            if call.cancelled:
                self._replies.dropped(call, monotonic())
            else:
                self._replies.refused(call, self.standing.refusal())
        self._show()

    def _drop_unwanted(self, now: float) -> None:
        for call in [call for call in self._waiting if call.cancelled]:
            self._waiting.remove(call)
            self._drop(call, now)
        self._show()

    def _drop(self, call: Call, now: float) -> None:
        self._forget(call)
        self._replies.dropped(call, now)

    def _outcome(self, call: Call, frame: frames.Answer | frames.Refusal, memory: memoryview) -> Outcome:
        if isinstance(frame, frames.Refusal):
            return Outcome(call, None, 0, frames.error_of(frame.fault))
        errors = {row: frames.error_of(fault) for row, fault in frame.errors.items()}
        return Outcome(call, Results(assembled(frame.heads, memory), self._meaning, errors), 0, None)

    def _end(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self._forget(outcome.call)
        self._replies.ended(outcomes, monotonic())
        self._show()

    def _forget(self, call: Call) -> None:
        """It is about to have its answer, or needs none."""
        self._rows -= call.rows
        self._told.discard(call)
        self._smaller.forget(call)

    def _show(self) -> None:
        self._counters.gauge(shared.QUEUED, self._rows)
        if self.when_idle is not None and self.idle:
            self.when_idle()

    def _all(self) -> Iterator[Call]:
        for link in self._links.values():
            yield from link.calls
        yield from self._waiting

    def _ring(self, now: float) -> float:
        """A deadline has come: answer the late, and tell the next deadline."""
        self.sweep(now)
        return earliest(self._all())
