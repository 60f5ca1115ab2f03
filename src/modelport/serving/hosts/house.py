"""All model hosts of a replica: started when a worker asks for one, ended when no plan wants it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Sequence
from time import monotonic
from typing import Any

import msgspec

from modelport.core.plan import SlotSpec
from modelport.serving.hosts.board import Board
from modelport.serving.hosts.judge import Bounds
from modelport.serving.hosts.key import key_of
from modelport.serving.hosts.process import Host, Terms
from modelport.serving.hosts.seat import Seat
from modelport.serving.hosts.seats import Seats
from modelport.serving.replica import health
from modelport.serving.replica.messages import Hosting
from modelport.serving.replica.processes import cores, memory
from modelport.serving.settings import Settings

LOOK = 0.1
"""Seconds between two looks at the hosts."""
SHARE = 0.8
"""Of the machine's memory, what one host may hold unless a setting says otherwise."""

Tell = Callable[[Hosting], None]


def bounds_of(settings: Settings) -> Bounds:
    """What a host of a replica may take."""
    return Bounds(
        start=settings.host_start_seconds,
        call=settings.host_call_seconds,
        memory=settings.host_memory or int(SHARE * memory()),
        calls=settings.host_calls,
    )


class House:
    """Owned by one event loop.

    Args:
        tell: says something to every worker.

    Attributes:
        broken: fails when one of its own tasks does, which is a bug and ends the replica.
    """

    def __init__(self, settings: Settings, board: Board, tell: Tell) -> None:
        self._terms = Terms(
            msgspec.json.encode(settings), bounds_of(settings), board, secrets.token_bytes(16)
        )
        self._linger = settings.timeout
        self._tell = tell
        self._cores = max(1, cores() // settings.intra_op)
        self._seats: dict[str, Seats] = {}
        self._leaving: set[Host] = set()
        self._farewells: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def want(self, spec: SlotSpec, tell: Tell) -> None:
        """Host this slot, unless it is; `tell` is told how it is with it now."""
        key = key_of(spec)
        if key not in self._seats:
            self._open(key, spec)
        tell(self._seats[key].hosting())

    def keep(self, specs: Iterable[SlotSpec]) -> None:
        """Let go of the hosts of all other slots: each leaves with its last worker."""
        wanted = {key_of(spec) for spec in specs} if self._seats else set()
        for key in [key for key in self._seats if key not in wanted]:
            self._close(key)

    async def end(self) -> None:
        """End all hosts now."""
        for key in list(self._seats):
            self._close(key)
        if self._looking is not None:
            self._looking.cancel()
        for host in self._leaving:
            host.kill()
        await asyncio.gather(*self._farewells, return_exceptions=True)

    def _open(self, key: str, spec: SlotSpec) -> None:
        self._seats[key] = Seats(
            key,
            spec,
            self._terms,
            run=self._run,
            changed=lambda: self._changed(key),
            dismissed=lambda seat: self._part((seat,)),
        )
        self._looking = self._looking or self._run(self._look())

    def _close(self, key: str) -> None:
        seats = self._seats.pop(key).close()
        self._tell(Hosting(key, "gone"))
        self._part(seats)

    def _part(self, seats: Sequence[Seat]) -> None:
        farewell = self._run(self._leave(seats))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def _leave(self, seats: Sequence[Seat]) -> None:
        """Wait until the hosts of seats that are given up are gone, and see to it that they go."""
        hosts = {host for seat in seats for host in seat.living}
        self._leaving |= hosts
        for host in hosts:
            host.retire() if host.ready else host.kill()
        if hosts:
            await asyncio.wait([host.exit for host in hosts], timeout=self._linger)
        for host in hosts:
            host.kill()
        await asyncio.gather(*(host.exit for host in hosts))
        self._leaving -= hosts
        for seat in seats:
            self._terms.board.give(seat.tally)

    def _changed(self, key: str) -> None:
        if key in self._seats:
            self._tell(self._seats[key].hosting())

    async def _look(self) -> None:
        looked = fair = monotonic()
        while True:
            await asyncio.sleep(LOOK)
            now = monotonic()
            if health.blind(now, looked):
                fair = now + health.STALLED  # whoever was stopped with us has to move first
            if now >= fair:
                self._look_at_all(now)
            looked = now

    def _look_at_all(self, now: float) -> None:
        scaled = sum(seats.scaled for seats in self._seats.values())
        for seats in list(self._seats.values()):
            others = scaled - seats.scaled
            seats.look(now, max(1, self._cores - others))
            scaled = others + seats.scaled

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.broken.done():
            self.broken.set_exception(error)
