"""Replaces workers that have served their time while they answer: one at a time, and nobody notices."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from modelport.serving import shared
from modelport.serving.log import note
from modelport.serving.replica import ledger, recycling, workers
from modelport.serving.replica.messages import Drain
from modelport.serving.replica.recycling import Wear
from modelport.serving.replica.seat import Seat
from modelport.serving.replica.workers import Worker, exits

if TYPE_CHECKING:
    from modelport.serving.replica.crew import Crew

LOOK = 0.5
"""Seconds between two looks at how long workers have served."""
ARRIVAL = 300.0
"""Seconds a successor may take to answer all that the one it replaces does; until then that one goes on."""
RETRY = 30.0
"""Seconds until the next try to replace a worker, when one failed."""
FAREWELL = 5.0
"""Seconds that connections without a request stay open with a worker that was replaced."""
KILL_AFTER = 1.0
"""Seconds past the limit of a drain until a worker that was replaced is killed."""


class Renewal:
    """Of one crew. A successor starts beside the worker on the same socket, with a row of its own; when it
    answers everything, the worker drains.

    Args:
        crew: whose workers.
        seconds: limit of a drain.
    """

    def __init__(self, crew: Crew, seconds: float) -> None:
        self._crew = crew
        self._drain_seconds = seconds

    async def run(self) -> None:
        """Replace workers that have served their time, one after the other."""
        while True:
            await asyncio.sleep(LOOK)
            for seat in self._crew.seats:
                if why := self._worn(seat.worker):
                    await self._replace(seat, why)

    def _worn(self, worker: Worker | None) -> str:
        if worker is None or not worker.listens.is_set():
            return ""
        read = self._crew.cell(worker, shared.ANSWERED) - worker.base
        wear = Wear(read, self._crew.cell(worker, shared.RESIDENT), monotonic() - worker.started)
        return recycling.reason(wear, worker.terms)

    async def _replace(self, seat: Seat, why: str) -> None:
        """Let a successor take the seat of a worker that goes on until then."""
        old = seat.worker
        if old is None or self._crew.spare.empty() or seat.listen.fileno() < 0:
            return
        row = self._crew.spare.get_nowait()
        note("worker worn", worker=old.row, reason=why)
        ledger.begin(self._crew.segment, row, self._crew.starts + 1, recycle=True)
        try:
            fresh = await self._crew.launch(seat, row, waits=True)
        except OSError as error:
            self._crew.give_back(row)
            await self._stay(old, error.strerror or "it cannot be started")
            return
        self._crew.coming.append(fresh)
        self._crew.listener.joined(fresh)
        changes = (fresh.listens, fresh.ended, fresh.stalled, old.ended, old.stalled)
        await workers.first_of(*changes, seconds=ARRIVAL)
        self._crew.coming.remove(fresh)
        if fresh.listens.is_set() and not fresh.exit.done() and seat.worker is old:
            self._swap(seat, old, fresh)
            return
        self._crew.listener.left(fresh, looping=False)
        fresh.kill()
        await fresh.exit
        self._crew.bury(fresh)
        self._crew.give_back(fresh.row)
        if seat.worker is old:
            await self._stay(old, "its successor did not come up")

    def _swap(self, seat: Seat, old: Worker, fresh: Worker) -> None:
        seat.worker, seat.row = fresh, fresh.row
        old.replaced.set()
        self._crew.listener.left(old, looping=False)
        old.channel.send(Drain(0.0, self._drain_seconds, min(FAREWELL, self._drain_seconds)))
        self._crew.aside.append(old)
        self._crew.run(self._see_off(old))

    async def _see_off(self, worker: Worker) -> None:
        if await exits([worker], self._drain_seconds + KILL_AFTER):
            worker.kill()
        await worker.exit
        lost = ledger.settle(self._crew.segment, worker.row, self._crew.places())
        worker.channel.close()
        note("worker recycled", worker=worker.row, pid=worker.pid, lost=lost)
        self._crew.aside.remove(worker)
        self._crew.give_back(worker.row)

    async def _stay(self, worker: Worker, why: str) -> None:
        note("worker not recycled", logging.ERROR, worker=worker.row, reason=why)
        await asyncio.sleep(RETRY)
