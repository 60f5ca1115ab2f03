"""One instance of a hosted slot: somebody always answers from it, or it says why nobody does.

starting -> ready -> (worn: its successor starts first) -> ready      starting -> failed, the first time
ready -> lost -> starting -> ready                                    three deaths in a minute -> crash-loop
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Literal

from modelport.core.plan import SlotSpec
from modelport.serving.hosts import board as cells
from modelport.serving.hosts import judge, process
from modelport.serving.hosts.messages import Ready, Unfit
from modelport.serving.hosts.process import Host, Terms
from modelport.serving.log import note
from modelport.serving.replica import health, workers

State = Literal["starting", "ready", "crash-loop", "failed"]
TRIES = 3
"""Hosts that may die before the first one is ready, until the slot is given up."""
_REASONS = {
    cells.HANGS: "hung",
    cells.GROWS: "out of memory",
    cells.STALLS: "stalled",
    cells.LATE: "not ready in time",
}
_COUNTED = {cells.HANGS: cells.HUNG, cells.STALLS: cells.HUNG, cells.GROWS: cells.BLOATED}


class Seat:
    """Owned by one event loop.

    Args:
        changed: told whenever `state`, or the host that answers, changes.
        proven: whether the model is known to serve: then no start that fails is the last.

    Attributes:
        host: who answers; None while nobody does.
        state, reason: how it is with the seat, and why.
        again: monotonic seconds of the next start.
        tally: the row of the board in which its misfortunes are counted.
    """

    def __init__(
        self, spec: SlotSpec, terms: Terms, changed: Callable[[], None], *, proven: bool = False
    ) -> None:
        self._spec = spec
        self._terms = terms
        self._board = terms.board
        self._changed = changed
        self._living: set[Host] = set()
        self._deaths: list[float] = []
        self._proven = proven
        self.host: Host | None = None
        self.state: State = "starting"
        self.reason = ""
        self.again = 0.0
        self.tally = terms.board.take()

    @property
    def living(self) -> tuple[Host, ...]:
        """Every process that is not gone yet: who answers, who is starting, who is leaving."""
        return tuple(self._living)

    async def keep(self) -> None:
        """Keep it taken; ends when it is given up."""
        while self.state != "failed":
            await asyncio.sleep(max(0.0, self.again - monotonic()))
            host = await self._bring()
            while host is not None:
                self._answers(host)
                host = await self._followed(host)

    def look(self, now: float) -> None:
        """Kill whoever has to go, and mark who is worn."""
        for host in self.living:
            sight = host.look(now)
            if doom := judge.doom(sight, self._terms.bounds, now):
                self._kill(host, doom)
            elif host is self.host and judge.worn(sight, self._terms.bounds):
                host.worn.set()

    async def _followed(self, host: Host) -> Host | None:
        """The successor of a host that is worn, once it is ready; None once the host is gone."""
        while await self._until_worn(host):
            successor = await self._bring()
            if successor is not None:
                self._board.add(self.tally, cells.RECYCLED)
                note("host replaced", slot=self._spec.id, pid=host.pid, by=successor.pid)
                host.retire()
                return successor
            host.worn.clear()
        self._lost(host)
        return None

    async def _until_worn(self, host: Host) -> bool:
        """Whether it is worn, rather than gone."""
        worn = asyncio.create_task(host.worn.wait())
        try:
            await asyncio.wait({worn, host.exit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            worn.cancel()
        return not host.exit.done()

    async def _bring(self) -> Host | None:
        """Start a host; the host once it is ready, None when it never was."""
        try:
            host = await process.start(self._spec, self._terms)
        except OSError as error:
            note("host not started", logging.ERROR, slot=self._spec.id, reason=error.strerror)
            self._died(error.strerror or "the machine has no room")
            return None
        self._living.add(host)
        host.exit.add_done_callback(lambda _: self._buried(host))
        note("host started", slot=self._spec.id, pid=host.pid)
        await asyncio.wait({host.exit, host.word}, return_when=asyncio.FIRST_COMPLETED)
        word = host.word.result() if host.word.done() else None
        if isinstance(word, Ready):
            return host
        host.kill(self._board.get(host.row, cells.DOOM))
        await host.exit
        self._unfit(host, word)
        return None

    def _answers(self, host: Host) -> None:
        host.accept()
        self.host, self._proven = host, True
        note("host ready", slot=self._spec.id, pid=host.pid)
        self._say("ready")

    def _unfit(self, host: Host, word: Unfit | None) -> None:
        """It never was ready. As long as none ever was its own word is final, as are the time limit and a few
        deaths."""
        reason = word.reason if word else f"its process ended while it loaded ({self._end_of(host)})"
        note("host unfit", logging.ERROR, slot=self._spec.id, pid=host.pid, reason=reason)
        self._died(reason)
        late = self._board.get(host.row, cells.DOOM) == cells.LATE
        if not self._proven and (word or late or len(self._deaths) >= TRIES):
            self._say("failed", reason)

    def _lost(self, host: Host) -> None:
        self.host = None
        note("host lost", logging.ERROR, slot=self._spec.id, pid=host.pid, reason=self._end_of(host))
        self._board.add(self.tally, cells.RESTARTS)
        self._died(f"its process ended ({self._end_of(host)})", counts=not self._overfed(host))

    def _overfed(self, host: Host) -> bool:
        """Whether a batch of several calls took too much memory: the successor gets smaller ones, so this
        says little of how it will fare."""
        doom, busy, together = (
            self._board.get(host.row, cell) for cell in (cells.DOOM, cells.BUSY, cells.TOGETHER)
        )
        return doom == cells.GROWS and busy > 0 and together > 1

    def _died(self, reason: str, *, counts: bool = True) -> None:
        if counts:
            self._deaths = health.remember(self._deaths, monotonic())
        self.again = monotonic() + judge.pause(self._deaths, monotonic())
        looping = health.crash_loop(self._deaths, monotonic())
        if looping and self._proven and not self._board.get(self.tally, cells.LOOPING):
            note("host keeps dying", logging.ERROR, slot=self._spec.id, deaths=health.LOOP_DEATHS)
        if self.host is None:
            self._say("crash-loop" if looping and self._proven else "starting", reason)

    def _kill(self, host: Host, doom: int) -> None:
        note("host killed", logging.ERROR, slot=self._spec.id, pid=host.pid, reason=_REASONS[doom])
        if host.ready and doom in _COUNTED and not self._board.get(host.row, cells.DOOM):
            self._board.add(self.tally, _COUNTED[doom])
        host.kill(doom)

    def _buried(self, host: Host) -> None:
        self._living.discard(host)
        self._board.give(host.row)

    def _end_of(self, host: Host) -> str:
        doom = self._board.get(host.row, cells.DOOM)
        return _REASONS.get(doom) or workers.reason(host.exit.result())

    def _say(self, state: State, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._board.put(self.tally, cells.LOOPING, int(state == "crash-loop"))
        self._changed()
