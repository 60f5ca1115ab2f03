"""Tells the control plane how this replica fares: about once a second, and soon after a change."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from random import random
from time import monotonic, time

import msgspec

from modelport.core.fleet import Heard, PlanStatus
from modelport.core.ready import ready
from modelport.serving import shared
from modelport.serving.evidence import outcomes
from modelport.serving.fleet import status
from modelport.serving.fleet.backoff import Backoff
from modelport.serving.fleet.farewell import Farewell
from modelport.serving.fleet.line import Away, ControlLine
from modelport.serving.log import note
from modelport.serving.replica import ledger
from modelport.serving.replica.conductor import Conductor
from modelport.serving.shared import Segment

EVERY = 1.0
"""Seconds between two reports, more or less a fifth: many replicas do not report together."""
SOONEST = 0.1
"""A change is told no sooner after the last report: what happens together is told together."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0


class Reporter:
    """Owned by the event loop of the supervisor; nothing that serves waits for it.

    Args:
        replica: its name in the fleet.
        url: where it answers.
        refused: why its last plan was not taken.
        heard: told every answer: there may be a newer plan, or other keys.
    """

    def __init__(
        self,
        line: ControlLine,
        conductor: Conductor,
        segment: Segment,
        *,
        replica: str,
        url: str,
        spool: str,
        refused: Callable[[], str],
        heard: Callable[[Heard], None],
    ) -> None:
        self._line = line
        self._conductor = conductor
        self._segment = segment
        self._replica = replica
        self._url = url
        self._spool = spool
        self._refused = refused
        self._heard = heard
        self._incarnation = secrets.token_hex(8)
        self._sequence = 0
        self._farewell = Farewell()
        self._changed = asyncio.Event()
        self._away = False
        conductor.changed = self._changed.set
        conductor.keep = self._keep

    async def run(self) -> None:
        """Report for ever."""
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, random)
        while True:
            if await self._report():
                backoff.worked()
                await self._rest()
            else:
                await asyncio.sleep(SOONEST + backoff.pause())

    def _keep(self, used: Iterable[str]) -> Iterable[str]:
        """Slots that keep their places, because what they counted is not told yet."""
        self._farewell.using(used, monotonic())
        return self._farewell.unheard

    async def _rest(self) -> None:
        """Until something changed, or it is time."""
        await asyncio.sleep(SOONEST)
        pause = EVERY * (0.8 + 0.4 * random()) - SOONEST  # noqa: S311 - no secret
        try:
            await asyncio.wait_for(self._changed.wait(), pause)
        except TimeoutError:
            return

    async def _report(self) -> bool:
        """Whether a report was taken."""
        self._changed.clear()
        now = monotonic()
        told = self._status()
        try:
            answer = msgspec.json.decode(await self._line.tell(msgspec.json.encode(told)), type=ready(Heard))
        except (Away, msgspec.DecodeError) as error:
            self._say(str(error))
            return False
        self._say("")
        leaving = self._farewell.unheard
        self._farewell.heard(leaving, now)
        if self._farewell.unheard != leaving:
            self._conductor.make_room()
        self._heard(answer)
        return True

    def _status(self) -> PlanStatus:
        """The report to be made now."""
        self._sequence += 1
        conductor = self._conductor
        state, told = conductor.state, conductor.told
        workers = conductor.workers()
        places = conductor.slot_places()
        counted = {slot: outcomes(self._segment, place) for slot, place in places.items()}
        rows = [row for row in range(self._segment.workers) if ledger.in_use(self._segment, row)]
        sizes = {slot: self._size(place, rows) for slot, place in places.items()}
        seen = [worker.seen for worker in workers]
        return PlanStatus(
            self._replica,
            self._incarnation,
            self._sequence,
            wanted=state.wanted.revision if state.wanted else None,
            access=conductor.access_revision,
            refused=conductor.refused or self._refused(),
            endpoints=status.endpoints(state, conductor.verdicts()),
            slots=status.slots(state, seen, status.limits(told), sizes),
            counters={slot: one for slot, one in counted.items() if one.requests or one.assigned},
            url=self._url,
            workers=sum(worker.listens.is_set() for worker in workers),
            ready=any(self._segment.cells[self._segment.row(row) + shared.READY] for row in rows),
            troubles=status.troubles(told),
            shadows=status.shadows(told),
            spool=self._spool,
            at=time(),
        )

    def _size(self, place: int, rows: Sequence[int]) -> tuple[int, int]:
        """Batches at a time and bytes of a slot, over the workers that are there."""
        blocks = [self._segment.slot(row, place) for row in rows]
        cells = self._segment.cells
        instances = sum(cells[block + shared.INSTANCES] for block in blocks)
        return instances, sum(cells[block + shared.MODEL_BYTES] for block in blocks)

    def _say(self, away: str) -> None:
        """Log when reports are not taken any more, and when they are again."""
        if away and not self._away:
            note("reports not taken", logging.WARNING, reason=away)
        if self._away and not away:
            note("reports taken again")
        self._away = bool(away)
