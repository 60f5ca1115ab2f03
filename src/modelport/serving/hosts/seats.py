"""All instances of one hosted slot: as many as the plan asks for, or as its load calls for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import Any

from modelport.core.plan import SlotSpec
from modelport.serving.hosts import board as cells
from modelport.serving.hosts.follower import Follower, Load
from modelport.serving.hosts.process import Host, Terms
from modelport.serving.hosts.seat import Seat
from modelport.serving.log import note
from modelport.serving.replica.messages import Door, Hosting, HostState

Run = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Seats:
    """Owned by one event loop.

    Args:
        key: digest of the spec.
        run: makes a task, the failure of which is a bug.
        changed: told whenever `hosting` says something else.
        dismissed: told of a seat that is given up: its host is to leave as soon as its last call is answered.
    """

    def __init__(
        self,
        key: str,
        spec: SlotSpec,
        terms: Terms,
        *,
        run: Run,
        changed: Callable[[], None],
        dismissed: Callable[[Seat], None],
    ) -> None:
        self._key = key
        self._spec = spec
        self._terms = terms
        self._run = run
        self._changed = changed
        self._dismissed = dismissed
        self._follower = Follower(spec.scaling, spec.instances)
        self._tasks: dict[Seat, asyncio.Task[None]] = {}
        for _ in range(self._follower.state.instances):
            self._add(proven=False)

    @property
    def scaled(self) -> int:
        """Instances that are there because of the load; 0 where their number is fixed."""
        return len(self._tasks) if self._follower.moves else 0

    def look(self, now: float, cores: int) -> None:
        """Look at every host, and at how many there should be: `cores` is what they all may use."""
        for seat in self._tasks:
            seat.look(now)
        before = self._follower.state
        self._follower.look(self._load(), cores, now)
        after = self._follower.state
        if after.instances != len(self._tasks):
            self._move(after.instances)
        if (before.instances, before.limit) != (after.instances, after.limit):
            self._changed()

    def hosting(self) -> Hosting:
        """How the slot is hosted now."""
        seats = list(self._tasks)
        state, reason = judged(seats)
        return Hosting(
            self._key,
            state,
            reason,
            tuple(Door(seat.host.door.address, seat.host.row) for seat in seats if seat.host),
            tuple(seat.tally for seat in seats),
            self._terms.token,
            max(0.1, min(seat.again for seat in seats) - monotonic()),
            self._follower.state.limit,
        )

    def close(self) -> Sequence[Seat]:
        """Keep none of them any more; those that were there, whose hosts are still to leave."""
        for task in self._tasks.values():
            task.cancel()
        return list(self._tasks)

    def _load(self) -> Load:
        hosts = [seat.host for seat in self._tasks if seat.host is not None]
        if not hosts:
            return Load(0, 0.0, 0.0)
        wait = sum(self._cell(host, cells.WAITING) for host in hosts) / 1e9 / len(hosts)
        return Load(len(hosts), wait, sum(self._cell(host, cells.BUSY) > 0 for host in hosts) / len(hosts))

    def _cell(self, host: Host, cell: int) -> int:
        return self._terms.board.get(host.row, cell)

    def _move(self, wanted: int) -> None:
        note("hosts scaled", slot=self._spec.id, instances=wanted, before=len(self._tasks))
        while len(self._tasks) < wanted:
            self._add(proven=True)
        while len(self._tasks) > wanted:
            self._drop()

    def _add(self, *, proven: bool) -> None:
        """One more; it takes calls once its host is warm."""
        seat = Seat(self._spec, self._terms, self._changed, proven=proven)
        self._tasks[seat] = self._run(seat.keep())

    def _drop(self) -> None:
        """One less: the last that has no host, else the last."""
        last = list(reversed(self._tasks))
        seat = next((seat for seat in last if seat.host is None), last[0])
        self._tasks.pop(seat).cancel()
        self._terms.board.inherit(next(iter(self._tasks)).tally, seat.tally)
        self._dismissed(seat)


def judged(seats: Sequence[Seat]) -> tuple[HostState, str]:
    """One instance that answers is enough; none is ready before the first start of all has ended."""
    worst = next((seat for seat in seats if seat.state == "failed"), None)
    if worst is not None:
        return "failed", worst.reason
    if any(seat.host for seat in seats):
        return "ready", ""
    looping = next((seat for seat in seats if seat.state == "crash-loop"), seats[0])
    return looping.state, looping.reason
