"""Takes what replicas report: every count is added once, whatever comes late or twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy.engine import Connection

from modelport.control.sight import SILENT_SECONDS
from modelport.control.store import fleets, plans, replicas
from modelport.control.store.replicas import Life
from modelport.core.clock import Clock
from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import Heard, PlanStatus
from modelport.db.connect import Database

FORGOTTEN_SECONDS = 24 * 3600.0
"""A replica that was silent for so long is not listed any more."""

AccessRevision = Callable[[Connection, str], int]
"""The newest revision of the keys of a fleet."""


class Replica(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A replica as the control plane knows it.

    Attributes:
        status: its newest report, without its counters.
        began: when it was started, as far as it is known here; `seen`, when it was heard of last (seconds
            since the epoch).
        silent: it was not heard of for ten seconds.
    """

    status: PlanStatus
    began: float
    seen: float
    silent: bool


class Fleets:
    """The replicas of all fleets. Thread-safe.

    Args:
        access: the newest revision of a fleet's keys.
        wake: called after reports were kept, from whichever thread kept them.
    """

    def __init__(
        self, database: Database, clock: Clock, access: AccessRevision, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._access = access
        self._wake = wake
        self._turn = threading.Lock()
        self._waiting: deque[_Report] = deque()

    def report(self, fleet: str, status: PlanStatus) -> Heard:
        """Keep a report and answer with the newest revisions. When it returns, the report is on disk.

        Reports that arrive while another is written are written together: two hundred replicas cost a few
        transactions a second. Raises `NotFound` for a fleet that is not there.
        """
        mine = _Report(fleet, status)
        self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._flush()
        if mine.error is not None:
            raise mine.error
        assert mine.heard is not None
        self._wake()
        return mine.heard

    def replicas(self, fleet: str) -> list[Replica]:
        """Every replica of a fleet that was heard of in the last day, by name."""
        now = self._clock.now()
        with self._database.reading() as connection:
            fleets.owner(connection, fleet)
            found = replicas.newest(connection, fleet)
        return [
            Replica(each.status, each.began, each.seen, now - each.seen > SILENT_SECONDS) for each in found
        ]

    def _flush(self) -> None:
        """Write all that waits; those that come meanwhile are the next one's."""
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for fleet in {each.fleet for each in waiting}:
            self._write(fleet, [each for each in waiting if each.fleet == fleet])

    def _write(self, fleet: str, some: list[_Report]) -> None:
        heard, error = None, None
        try:
            heard = self._database.write(lambda connection: self._keep(connection, fleet, some))
        except Exception as raised:  # noqa: BLE001 - raised again in the thread of each report
            error = raised
        for each in some:
            each.heard, each.error, each.done = heard, error, True

    def _keep(self, connection: Connection, fleet: str, some: list[_Report]) -> Heard:
        fleets.owner(connection, fleet, lock=True)
        now = self._clock.now()
        for each in some:
            keep(connection, fleet, each.status, now)
        return Heard(plans.revision(connection, fleet), self._access(connection, fleet))


class _Report:
    """A report on its way to the disk."""

    __slots__ = ("done", "error", "fleet", "heard", "status")

    def __init__(self, fleet: str, status: PlanStatus) -> None:
        self.fleet = fleet
        self.status = status
        self.done = False
        self.heard: Heard | None = None
        self.error: Exception | None = None


def keep(connection: Connection, fleet: str, status: PlanStatus, now: float) -> None:
    """Keep a report in the caller's transaction, which holds the fleet; an older one than known is let go."""
    lives = replicas.lives(connection, fleet, status.replica)
    known = next((life for life in lives if life.status.incarnation == status.incarnation), None)
    if known is not None and known.status.sequence >= status.sequence:
        return
    if known is None:
        replicas.forget(connection, fleet, now - FORGOTTEN_SECONDS)
    counters = {slot: _own(outcomes) for slot, outcomes in status.counters.items()}
    replicas.put(connection, fleet, Life(status, counters, known.began if known else now, now))
    replicas.count(connection, fleet, _added(counters, known.counters if known else {}))


def _added(now: Mapping[str, Outcomes], before: Mapping[str, Outcomes]) -> dict[str, Outcomes]:
    return {slot: outcomes.since(before.get(slot, NONE)) for slot, outcomes in now.items()}


def _own(outcomes: Outcomes) -> Outcomes:
    """What a replica can count itself: labels come from feedback alone."""
    return msgspec.structs.replace(outcomes, labels=0, right=0)
