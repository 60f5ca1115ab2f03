"""Looks at the heartbeats of all workers, and at how often they die; `health` judges."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from modelport.serving import shared
from modelport.serving.log import note
from modelport.serving.replica import health, ledger
from modelport.serving.replica.seat import Seat
from modelport.serving.replica.workers import Worker

if TYPE_CHECKING:
    from modelport.serving.replica.crew import Crew

LOOK = 0.1
"""Seconds between two looks at the heartbeats."""


class Watch:
    """Over one crew. A worker that has stopped moving is marked `stalled`; the crew does the rest."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    async def run(self) -> None:
        """Look for ever."""
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
        for seat in self._crew.seats:
            self.judge(seat, now)
        for worker in self._crew.live:
            if self.stalled(worker, now):
                worker.stalled.set()

    def judge(self, seat: Seat, now: float) -> None:
        """Show whether starting again helps in this seat; the log tells when that changes."""
        looping = health.crash_loop(seat.deaths, now)
        ledger.looping(self._crew.segment, seat.row, is_looping=looping)
        if looping and not seat.looping:
            note("worker keeps dying", logging.ERROR, worker=seat.row, deaths=health.LOOP_DEATHS)
        if seat.looping and not looping:
            note("worker recovered", worker=seat.row)
        seat.looping = looping

    def stalled(self, worker: Worker, now: float) -> bool:
        """Whether a worker has stopped moving."""
        cell = self._crew.cell(worker, shared.HEARTBEAT)
        beat = health.Beat(cell / 1e9 if cell else None, worker.started, busy=worker.busy)
        return health.stalled(beat, now)
