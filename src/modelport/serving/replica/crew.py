"""All worker processes of a replica: one seat per listening socket, and somebody answering in every seat.

A dead worker is replaced in its seat and its row; a stalled one is set aside, replaced at once on the same
socket with a spare row, told to drain should it move again, and killed after a minute. One that keeps dying
leaves its connections to the others: its seat has no listening socket until a successor listens itself.
One that has served its time is replaced while it answers: its successor starts beside it on the same socket,
and it drains when the successor listens.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from time import monotonic
from typing import Any, NoReturn, Protocol

from modelport.serving import shared
from modelport.serving.log import note
from modelport.serving.replica import health, ledger, sockets, workers
from modelport.serving.replica.messages import Boot, Downward, Drain, Upward
from modelport.serving.replica.recycling import Terms
from modelport.serving.replica.renewal import Renewal
from modelport.serving.replica.seat import Seat
from modelport.serving.replica.watch import Watch
from modelport.serving.replica.workers import Worker, exits

LINGER = 60.0
"""Seconds a stalled worker has to move again and drain."""
KILL_AFTER = 1.0
"""Seconds past the limit of a drain until what is left is killed."""


class Listener(Protocol):
    """Who is told what happens to workers (the conductor)."""

    def joined(self, worker: Worker) -> None:
        """A worker was started."""

    def heard(self, worker: Worker, message: Upward) -> None:
        """A worker said something."""

    def left(self, worker: Worker, *, looping: bool) -> None:
        """A worker answers no more; `looping` when restarts in its seat do not help."""


class Crew:
    """Keeps every seat taken until it is stopped. Owned by one event loop.

    Attributes:
        broken: fails when one of its own tasks does, which is a bug and ends the replica.
        places: places of the slots that a dead worker may have been executing.
        seats, spare: where workers sit, and rows that nobody has.
        aside, coming: workers that sit nowhere any more, or not yet.
        starts: how many workers were ever started.
    """

    def __init__(
        self,
        listening: Sequence[socket.socket],
        segment: shared.Segment,
        settings: bytes,
        listener: Listener,
        *,
        terms: Callable[[], Terms] = Terms,
        drain_seconds: float = LINGER,
        waits: bool = False,
        module: str = workers.MODULE,
        board: int = -1,
    ) -> None:
        self._board = board
        self.seats = [Seat(listen, row) for row, listen in enumerate(listening)]
        self.spare: asyncio.Queue[int] = asyncio.Queue()
        for row in range(len(listening), segment.workers):
            self.spare.put_nowait(row)
        self.aside: list[Worker] = []
        self.coming: list[Worker] = []
        self._terms = terms
        self._renewal = Renewal(self, drain_seconds)
        self._watch = Watch(self)
        self._waits = waits
        self.segment = segment
        self._settings = settings
        self.listener = listener
        self._module = module
        self.starts = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self.broken: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self.places: Callable[[], Iterable[int]] = tuple

    @property
    def live(self) -> list[Worker]:
        """The workers that answer, or are about to."""
        return [*(seat.worker for seat in self.seats if seat.worker is not None), *self.coming]

    def tell(self, message: Downward) -> None:
        """Say something to every worker, also to those that only finish what they have."""
        for worker in (*self.live, *self.aside):
            worker.channel.send(message)

    @property
    def listening(self) -> list[socket.socket]:
        """The sockets that somebody answers at, or will."""
        return [seat.listen for seat in self.seats if seat.listen.fileno() >= 0]

    def start(self) -> None:
        """Fill every seat, and watch from now on."""
        self._keepers = [self.run(self._keep(seat)) for seat in self.seats]
        self._keepers.append(self.run(self._watch.run()))
        self._keepers.append(self.run(self._renewal.run()))

    async def drain(self, delay: float, seconds: float) -> int:
        """Stop filling seats and let every worker finish; returns how many had to be killed."""
        await self._stop_keeping()
        moving = [worker for worker in self.aside if not self._watch.stalled(worker, monotonic())]
        for worker in self.live:
            worker.channel.send(Drain(delay, seconds))
        for seat in self.seats:
            seat.listen.close()  # from now on the workers decide when the port closes
        late = await exits([*self.live, *moving], delay + seconds + KILL_AFTER)
        return await self._end(late)

    async def kill(self) -> int:
        """End all workers now; returns how many there were."""
        await self._stop_keeping()
        return await self._end(self.live)

    async def _end(self, rest: Sequence[Worker]) -> int:
        for worker in (*rest, *self.aside):
            worker.kill()
        await exits([*rest, *self.aside], KILL_AFTER)
        for task in self._tasks:
            task.cancel()
        return len(rest)

    async def _stop_keeping(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, seat: Seat) -> None:
        while True:
            self._hand_over(seat)
            await asyncio.sleep(health.pause(seat.deaths, monotonic()))
            try:
                seat.worker = worker = await self._start(seat)
            except OSError as error:
                note("worker not started", logging.ERROR, worker=seat.row, reason=error.strerror)
                seat.died()
                continue
            self.listener.joined(worker)
            await self._attend(seat)

    async def _attend(self, seat: Seat) -> None:
        """Until nobody answers in this seat."""
        while (worker := seat.worker) is not None:
            await workers.first_of(worker.ended, worker.stalled, worker.replaced)
            if not worker.replaced.is_set():
                await self._vacate(seat, worker, gone=worker.exit.done())

    def _hand_over(self, seat: Seat) -> None:
        """In a crash loop nobody is left waiting for a successor that does not come, if others answer."""
        others_answer = any(other.worker and not other.looping for other in self.seats)
        if seat.looping and others_answer and sockets.shares(seat.listen):
            seat.listen.close()

    async def _vacate(self, seat: Seat, worker: Worker, *, gone: bool) -> None:
        seat.worker = None
        seat.died()
        if gone:
            self.bury(worker)
        self._watch.judge(seat, monotonic())
        self.listener.left(worker, looping=seat.looping)
        if not gone:
            ledger.looping(self.segment, worker.row, is_looping=False)  # it goes with the seat
            seat.row = await self._set_aside(worker)

    async def _start(self, seat: Seat) -> Worker:
        if seat.listen.fileno() < 0:
            seat.listen = sockets.beside(seat.address)
        waits = self._waits or seat.started or self._answered
        ledger.begin(self.segment, seat.row, self.starts + 1, restart=seat.started)
        seat.started = True
        return await self.launch(seat, seat.row, waits=waits)

    @property
    def _answered(self) -> bool:
        """Whether somebody answers already."""
        return any(worker.listens.is_set() for worker in self.live)

    async def launch(self, seat: Seat, row: int, *, waits: bool) -> Worker:
        """Start a worker on the socket of a seat; raises `OSError`."""
        self.starts += 1
        boot = self._boot(seat, row, self.starts, waits=waits)
        worker = await workers.start(boot, self._module)
        worker.terms = self._terms()
        worker.base = self.cell(worker, shared.ANSWERED)
        note("worker started", worker=worker.row, pid=worker.pid, incarnation=boot.incarnation)
        self.run(self._hear(worker))
        return worker

    def _boot(self, seat: Seat, row: int, incarnation: int, *, waits: bool) -> Boot:
        return Boot(
            settings=self._settings,
            worker=row,
            waits=waits,
            incarnation=incarnation,
            listen=seat.listen.fileno(),
            segment=self.segment.fd,
            workers=self.segment.workers,
            slots=self.segment.slots,
            keys=self.segment.keys,
            board=self._board,
        )

    async def _hear(self, worker: Worker) -> None:
        async for message in worker.channel:
            self.listener.heard(worker, message)
        if worker.channel.fault:
            note("worker not understood", logging.ERROR, worker=worker.row, reason=worker.channel.fault)
            worker.kill()

    def bury(self, worker: Worker) -> None:
        """Account for a worker that has gone without being asked to."""
        lost = ledger.settle(self.segment, worker.row, self.places())
        worker.channel.close()
        reason = workers.reason(worker.exit.result())
        note("worker lost", logging.ERROR, worker=worker.row, pid=worker.pid, reason=reason, lost=lost)

    async def _set_aside(self, worker: Worker) -> int:
        """Let a stalled worker be, and find a row for its successor."""
        note("worker stalled", logging.ERROR, worker=worker.row, pid=worker.pid)
        worker.channel.send(Drain(0.0, LINGER))
        self.aside.append(worker)
        self.run(self._linger(worker))
        if self.spare.empty():
            worker.kill()  # there are more stalled workers than rows: it gives back its own
        return await self.spare.get()

    async def _linger(self, worker: Worker) -> None:
        if await exits([worker], LINGER):
            worker.kill()
        await worker.exit
        self.bury(worker)
        self.aside.remove(worker)
        self.give_back(worker.row)

    def give_back(self, row: int) -> None:
        """A row is spare again."""
        ledger.retire(self.segment, row)
        self.spare.put_nowait(row)

    def cell(self, worker: Worker, cell: int) -> int:
        """A cell of a worker's row."""
        return self.segment.cells[self.segment.row(worker.row) + cell]

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work of this crew's own; a fault in it breaks the crew."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.broken.done():
            self.broken.set_exception(error)
