"""Takes what replicas report: every count is added once, whatever comes late or twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy.engine import Connection

from modelport.control import sight
from modelport.control.bell import Bell
from modelport.control.spools import Spools
from modelport.control.store import fleets, plans, replicas
from modelport.control.store.replicas import Life
from modelport.core.access import AccessSnapshot
from modelport.core.clock import Clock
from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import Heard, PlanStatus
from modelport.core.plan import Revision, ServingPlan
from modelport.core.sights import ReplicaSeen
from modelport.db import keys
from modelport.db.connect import Database
from modelport.db.keys import Keys

FORGOTTEN_SECONDS = 24 * 3600.0
"""A replica that was silent for so long is not listed any more."""


class Fleets:
    """The replicas of all fleets, and what they are told. A fleet of another project is not there: what is
    asked of it raises `NotFound` (`no-such-fleet`). Thread-safe.

    Args:
        keys: what replicas need to know of a project's keys.
        spools: where replicas of other machines ship what they recorded.
        published: rings when there is a new plan or new keys.
        wake: called after reports were kept, from whichever thread kept them.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keys: Keys,
        spools: Spools,
        *,
        published: Bell,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys
        self._spools = spools
        self._published = published
        self._wake = wake
        self._turn = threading.Lock()
        self._waiting: deque[_Report] = deque()

    def plan(self, project: str, fleet: str) -> ServingPlan | None:
        """The newest plan; None before the first."""
        with self._database.reading() as connection:
            _mine(connection, project, fleet)
            return plans.newest(connection, fleet)

    def access(self, project: str, fleet: str) -> AccessSnapshot:
        """The keys that replicas of the fleet go by."""
        with self._database.reading() as connection:
            _mine(connection, project, fleet)
        return self._keys.snapshot(project)

    def on_change(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard`, from any thread, when a plan or keys were published here; the answer ends that."""
        return self._published.listen(heard)

    def spool(self, project: str, fleet: str, replica: str, file: str, *, offset: int, frames: bytes) -> int:
        """Append to a replica's spool file at `offset`; how far the file goes now."""
        with self._database.reading() as connection:
            _mine(connection, project, fleet)
        return self._spools.append(fleet, replica, file, offset, frames)

    def report(self, project: str, fleet: str, status: PlanStatus) -> Heard:
        """Keep a report and answer with the newest revisions. When it returns, the report is on disk.

        Reports that arrive while another is written are written together: two hundred replicas cost a few
        transactions a second.
        """
        mine = _Report(project, fleet, status)
        self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._flush()
        if mine.error is not None:
            raise mine.error
        assert mine.heard is not None
        self._wake()
        return mine.heard

    def replicas(self, project: str, fleet: str) -> tuple[ReplicaSeen, ...]:
        """Every replica of a fleet that was heard of in the last day, by name."""
        now = self._clock.now()
        with self._database.reading() as connection:
            _mine(connection, project, fleet)
            wanted = plans.revision(connection, fleet)
            lives = replicas.newest(connection, fleet)
        return tuple(seen(fleet, life, wanted, now) for life in lives)

    def _flush(self) -> None:
        """Write all that waits; those that come meanwhile are the next one's."""
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for project, fleet in {(each.project, each.fleet) for each in waiting}:
            some = [each for each in waiting if (each.project, each.fleet) == (project, fleet)]
            self._write(project, fleet, some)

    def _write(self, project: str, fleet: str, some: list[_Report]) -> None:
        heard, error = None, None
        try:
            heard = self._database.write(lambda connection: self._keep(connection, project, fleet, some))
        except Exception as raised:  # noqa: BLE001 - raised again in the thread of each report
            error = raised
        for each in some:
            each.heard, each.error, each.done = heard, error, True

    def _keep(self, connection: Connection, project: str, fleet: str, some: list[_Report]) -> Heard:
        _mine(connection, project, fleet, lock=True)
        now = self._clock.now()
        keep(connection, fleet, [each.status for each in some], now)
        return Heard(plans.revision(connection, fleet), keys.revision(connection, project))


class _Report:
    """A report on its way to the disk."""

    __slots__ = ("done", "error", "fleet", "heard", "project", "status")

    def __init__(self, project: str, fleet: str, status: PlanStatus) -> None:
        self.project = project
        self.fleet = fleet
        self.status = status
        self.done = False
        self.heard: Heard | None = None
        self.error: Exception | None = None


def keep(connection: Connection, fleet: str, reports: Sequence[PlanStatus], now: float) -> None:
    """Keep reports in the caller's transaction, which holds the fleet; older ones than known are let go."""
    lives = replicas.lives(connection, fleet, {status.replica for status in reports})
    known = {_life(life.status): life for life in lives}
    if any(_life(status) not in known for status in reports):
        replicas.forget(connection, fleet, now - FORGOTTEN_SECONDS)
    heard: dict[tuple[str, str], Life] = {}
    added: dict[str, Outcomes] = {}
    for status in reports:
        before = known.get(_life(status))
        if before is not None and before.status.sequence >= status.sequence:
            continue
        counters = {slot: _own(outcomes) for slot, outcomes in status.counters.items()}
        for slot, more in _added(counters, before.counters if before else {}).items():
            added[slot] = added.get(slot, NONE).plus(more)
        life = Life(status, counters, before.began if before else now, now)
        known[_life(status)] = heard[_life(status)] = life
    replicas.put(connection, fleet, heard.values())
    replicas.count(connection, fleet, added)


def _life(status: PlanStatus) -> tuple[str, str]:
    return status.replica, status.incarnation


def _added(now: Mapping[str, Outcomes], before: Mapping[str, Outcomes]) -> dict[str, Outcomes]:
    return {slot: outcomes.since(before.get(slot, NONE)) for slot, outcomes in now.items()}


def _own(outcomes: Outcomes) -> Outcomes:
    """What a replica can count itself: labels come from feedback alone."""
    return msgspec.structs.replace(outcomes, labels=0, right=0, amended=0)


def seen(fleet: str, life: Life, wanted: Revision | None, now: float) -> ReplicaSeen:
    """A replica as people see it."""
    told = life.status
    alive = now - life.seen <= sight.SILENT_SECONDS
    return ReplicaSeen(
        fleet,
        told.replica,
        told.url,
        told.workers,
        ready=told.ready and alive,
        alive=alive,
        seen=life.seen,
        revision=told.wanted,
        wanted=wanted,
        refused=told.refused,
    )


def _mine(connection: Connection, project: str, fleet: str, *, lock: bool = False) -> None:
    if fleets.owner(connection, fleet, lock=lock) != project:
        raise fleets.absent(fleet)
