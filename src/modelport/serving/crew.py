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

from modelport.serving import health, ledger, recycling, shared, sockets, workers
from modelport.serving.log import note
from modelport.serving.messages import Boot, Drain, Upward
from modelport.serving.recycling import Terms, Wear
from modelport.serving.workers import Worker

LOOK = 0.1
"""Seconds between two looks at the heartbeats."""
LINGER = 60.0
"""Seconds a stalled worker has to move again and drain."""
WEAR_LOOK = 0.5
"""Seconds between two looks at how long workers have served."""
ARRIVAL = 300.0
"""Seconds a successor may take to answer all that the one it replaces does; until then that one goes on."""
RETRY = 30.0
"""Seconds until the next try to replace a worker, when one failed."""
FAREWELL = 5.0
"""Seconds that connections without a request stay open with a worker that was replaced."""
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


class Seat:
    """A listening socket, and who answers on it."""

    def __init__(self, listen: socket.socket, row: int) -> None:
        self.listen = listen
        self.address = listen.getsockname()[:2]
        self.row = row
        self.worker: Worker | None = None
        self.deaths: list[float] = []
        self.started = False
        self.looping = False

    def died(self) -> None:
        """Remember this for the pace of the next starts."""
        self.deaths = health.remember(self.deaths, monotonic())


class Crew:
    """Keeps every seat taken until it is stopped. Owned by one event loop.

    Attributes:
        broken: fails when one of its own tasks does, which is a bug and ends the replica.
        places: places of the slots that a dead worker may have been executing.
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
        self._seats = [Seat(listen, row) for row, listen in enumerate(listening)]
        self._spare: asyncio.Queue[int] = asyncio.Queue()
        for row in range(len(listening), segment.workers):
            self._spare.put_nowait(row)
        self._aside: list[Worker] = []
        self._coming: list[Worker] = []
        self._terms = terms
        self._drain_seconds = drain_seconds
        self._waits = waits
        self._segment = segment
        self._settings = settings
        self._listener = listener
        self._module = module
        self._starts = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self.broken: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self.places: Callable[[], Iterable[int]] = tuple

    @property
    def live(self) -> list[Worker]:
        """The workers that answer, or are about to."""
        return [*(seat.worker for seat in self._seats if seat.worker is not None), *self._coming]

    @property
    def listening(self) -> list[socket.socket]:
        """The sockets that somebody answers at, or will."""
        return [seat.listen for seat in self._seats if seat.listen.fileno() >= 0]

    def start(self) -> None:
        """Fill every seat, and watch from now on."""
        self._keepers = [self._run(self._keep(seat)) for seat in self._seats]
        self._keepers.append(self._run(self._watch()))
        self._keepers.append(self._run(self._recycle()))

    async def drain(self, delay: float, seconds: float) -> int:
        """Stop filling seats and let every worker finish; returns how many had to be killed."""
        await self._stop_keeping()
        moving = [worker for worker in self._aside if not self._stalled(worker, monotonic())]
        for worker in self.live:
            worker.channel.send(Drain(delay, seconds))
        for seat in self._seats:
            seat.listen.close()  # from now on the workers decide when the port closes
        late = await _exits([*self.live, *moving], delay + seconds + KILL_AFTER)
        return await self._end(late)

    async def kill(self) -> int:
        """End all workers now; returns how many there were."""
        await self._stop_keeping()
        return await self._end(self.live)

    async def _end(self, rest: Sequence[Worker]) -> int:
        for worker in (*rest, *self._aside):
            worker.kill()
        await _exits([*rest, *self._aside], KILL_AFTER)
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
            self._listener.joined(worker)
            await self._attend(seat)

    async def _attend(self, seat: Seat) -> None:
        """Until nobody answers in this seat."""
        while (worker := seat.worker) is not None:
            await workers.first_of(worker.ended, worker.stalled, worker.replaced)
            if not worker.replaced.is_set():
                await self._vacate(seat, worker, gone=worker.exit.done())

    def _hand_over(self, seat: Seat) -> None:
        """In a crash loop nobody is left waiting for a successor that does not come, if others answer."""
        others_answer = any(other.worker and not other.looping for other in self._seats)
        if seat.looping and others_answer and sockets.shares(seat.listen):
            seat.listen.close()

    async def _vacate(self, seat: Seat, worker: Worker, *, gone: bool) -> None:
        seat.worker = None
        seat.died()
        if gone:
            self._bury(worker)
        self._judge(seat, monotonic())
        self._listener.left(worker, looping=seat.looping)
        if not gone:
            ledger.looping(self._segment, worker.row, is_looping=False)  # it goes with the seat
            seat.row = await self._set_aside(worker)

    async def _start(self, seat: Seat) -> Worker:
        if seat.listen.fileno() < 0:
            seat.listen = sockets.beside(seat.address)
        waits = self._waits or seat.started or self._answered
        ledger.begin(self._segment, seat.row, self._starts + 1, restart=seat.started)
        seat.started = True
        return await self._launch(seat, seat.row, waits=waits)

    @property
    def _answered(self) -> bool:
        """Whether somebody answers already."""
        return any(worker.listens.is_set() for worker in self.live)

    async def _launch(self, seat: Seat, row: int, *, waits: bool) -> Worker:
        self._starts += 1
        boot = self._boot(seat, row, self._starts, waits=waits)
        worker = await workers.start(boot, self._module)
        worker.terms = self._terms()
        worker.base = self._cell(worker, shared.ANSWERED)
        note("worker started", worker=worker.row, pid=worker.pid, incarnation=boot.incarnation)
        self._run(self._hear(worker))
        return worker

    def _boot(self, seat: Seat, row: int, incarnation: int, *, waits: bool) -> Boot:
        return Boot(
            settings=self._settings,
            worker=row,
            waits=waits,
            incarnation=incarnation,
            listen=seat.listen.fileno(),
            segment=self._segment.fd,
            workers=self._segment.workers,
            slots=self._segment.slots,
            keys=self._segment.keys,
            board=self._board,
        )

    async def _hear(self, worker: Worker) -> None:
        async for message in worker.channel:
            self._listener.heard(worker, message)
        if worker.channel.fault:
            note("worker not understood", logging.ERROR, worker=worker.row, reason=worker.channel.fault)
            worker.kill()

    def _bury(self, worker: Worker) -> None:
        lost = ledger.settle(self._segment, worker.row, self.places())
        worker.channel.close()
        reason = workers.reason(worker.exit.result())
        note("worker lost", logging.ERROR, worker=worker.row, pid=worker.pid, reason=reason, lost=lost)

    async def _set_aside(self, worker: Worker) -> int:
        """Let a stalled worker be, and find a row for its successor."""
        note("worker stalled", logging.ERROR, worker=worker.row, pid=worker.pid)
        worker.channel.send(Drain(0.0, LINGER))
        self._aside.append(worker)
        self._run(self._linger(worker))
        if self._spare.empty():
            worker.kill()  # there are more stalled workers than rows: it gives back its own
        return await self._spare.get()

    async def _linger(self, worker: Worker) -> None:
        if await _exits([worker], LINGER):
            worker.kill()
        await worker.exit
        self._bury(worker)
        self._aside.remove(worker)
        self._give_back(worker.row)

    def _give_back(self, row: int) -> None:
        ledger.retire(self._segment, row)
        self._spare.put_nowait(row)

    async def _recycle(self) -> None:
        """Replace workers that have served their time, one after the other."""
        while True:
            await asyncio.sleep(WEAR_LOOK)
            for seat in self._seats:
                if why := self._worn(seat.worker):
                    await self._replace(seat, why)

    def _worn(self, worker: Worker | None) -> str:
        if worker is None or not worker.listens.is_set():
            return ""
        read = self._cell(worker, shared.ANSWERED) - worker.base
        wear = Wear(read, self._cell(worker, shared.RESIDENT), monotonic() - worker.started)
        return recycling.reason(wear, worker.terms)

    async def _replace(self, seat: Seat, why: str) -> None:
        """Let a successor take the seat of a worker that goes on until then."""
        old = seat.worker
        if old is None or self._spare.empty() or seat.listen.fileno() < 0:
            return
        row = self._spare.get_nowait()
        note("worker worn", worker=old.row, reason=why)
        ledger.begin(self._segment, row, self._starts + 1, recycle=True)
        try:
            fresh = await self._launch(seat, row, waits=True)
        except OSError as error:
            self._give_back(row)
            await self._stay(old, error.strerror or "it cannot be started")
            return
        self._coming.append(fresh)
        self._listener.joined(fresh)
        changes = (fresh.listens, fresh.ended, fresh.stalled, old.ended, old.stalled)
        await workers.first_of(*changes, seconds=ARRIVAL)
        self._coming.remove(fresh)
        if fresh.listens.is_set() and not fresh.exit.done() and seat.worker is old:
            self._swap(seat, old, fresh)
            return
        self._listener.left(fresh, looping=False)
        fresh.kill()
        await fresh.exit
        self._bury(fresh)
        self._give_back(fresh.row)
        if seat.worker is old:
            await self._stay(old, "its successor did not come up")

    def _swap(self, seat: Seat, old: Worker, fresh: Worker) -> None:
        seat.worker, seat.row = fresh, fresh.row
        old.replaced.set()
        self._listener.left(old, looping=False)
        old.channel.send(Drain(0.0, self._drain_seconds, min(FAREWELL, self._drain_seconds)))
        self._aside.append(old)
        self._run(self._see_off(old))

    async def _see_off(self, worker: Worker) -> None:
        if await _exits([worker], self._drain_seconds + KILL_AFTER):
            worker.kill()
        await worker.exit
        lost = ledger.settle(self._segment, worker.row, self.places())
        worker.channel.close()
        note("worker recycled", worker=worker.row, pid=worker.pid, lost=lost)
        self._aside.remove(worker)
        self._give_back(worker.row)

    async def _stay(self, worker: Worker, why: str) -> None:
        note("worker not recycled", logging.ERROR, worker=worker.row, reason=why)
        await asyncio.sleep(RETRY)

    async def _watch(self) -> None:
        looked = fair = monotonic()
        while True:
            await asyncio.sleep(LOOK)
            now = monotonic()
            if health.blind(now, looked):
                fair = now + health.STALLED  # whoever was stopped with us has to beat first
            if now >= fair:
                self._look(now)
            looked = now

    def _look(self, now: float) -> None:
        for seat in self._seats:
            self._judge(seat, now)
        for worker in self.live:
            if self._stalled(worker, now):
                worker.stalled.set()

    def _judge(self, seat: Seat, now: float) -> None:
        """Show whether starting again helps in this seat; the log tells when that changes."""
        looping = health.crash_loop(seat.deaths, now)
        ledger.looping(self._segment, seat.row, is_looping=looping)
        if looping and not seat.looping:
            note("worker keeps dying", logging.ERROR, worker=seat.row, deaths=health.LOOP_DEATHS)
        if seat.looping and not looping:
            note("worker recovered", worker=seat.row)
        seat.looping = looping

    def _cell(self, worker: Worker, cell: int) -> int:
        return self._segment.cells[self._segment.row(worker.row) + cell]

    def _stalled(self, worker: Worker, now: float) -> bool:
        cell = self._cell(worker, shared.HEARTBEAT)
        beat = health.Beat(cell / 1e9 if cell else None, worker.started, busy=worker.busy)
        return health.stalled(beat, now)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.broken.done():
            self.broken.set_exception(error)


async def _exits(leaving: Sequence[Worker], seconds: float) -> list[Worker]:
    """Wait until workers are gone; those that are not after `seconds`."""
    if leaving:
        await asyncio.wait([worker.exit for worker in leaving], timeout=seconds)
    return [worker for worker in leaving if not worker.exit.done()]
