"""The loop that carries out what is wanted: holds the lease, goes round, sleeps until something changes.

It decides nothing (`control.passes` does) and keeps nothing (the database does): it can be killed anywhere,
and the next one goes on from what is stored.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

from modelport.control import rounds, sweep
from modelport.control.loop import Loop
from modelport.control.publisher import Copies
from modelport.control.rounds import Done, Means, Turn
from modelport.control.store import deployments, fleets
from modelport.core import faults
from modelport.core.clock import Clock
from modelport.core.rollout import Decided, Fail, Hold, Rollback
from modelport.db import lease
from modelport.db.connect import Database
from modelport.db.lease import Lease
from modelport.errors import ModelportError, Overloaded

LEASE = "reconciler"
TICK_SECONDS = 1.0
"""The longest sleep while something is under way: what waits for time is looked at so often."""
PAUSE_SECONDS = 0.1
"""The shortest time from one round to the next: reports of many replicas make one round."""
SWEEP_SECONDS = 5.0
"""How often all deployments are looked at, and not just those where something is under way."""
TOGETHER = 50
"""Most deployments in one transaction."""
AGAIN_SECONDS = 5.0
"""How long an endpoint whose pass failed is left alone."""

_log = logging.getLogger("modelport.control")


class Reconciler:
    """Goes round in a thread of its own, from `start` to `stop`.

    Args:
        holder: who holds the lease; another for every start.
        published: called with no argument after there is a new plan.
    """

    def __init__(
        self,
        database: Database,
        means: Means,
        clock: Clock,
        *,
        holder: str,
        copies: Copies,
        published: Callable[[], None],
    ) -> None:
        self._database = database
        self._means = means
        self._clock = clock
        self._holder = holder
        self._copies = copies
        self._published = published
        self._loop = Loop("reconciler", self.step, tick=TICK_SECONDS, pause=PAUSE_SECONDS)
        self._held: Lease | None = None
        self._renewed = self._swept = float("-inf")
        self._again: dict[tuple[str, str], float] = {}
        self._anew: set[str] = set()

    @property
    def leads(self) -> bool:
        """Whether this one acts, and no other."""
        return self._held is not None

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def wake(self) -> None:
        """Look soon: something changed. From any thread."""
        self._loop.wake()

    def behind(self) -> list[str]:
        """The fleets whose newest plan does not say what is wanted."""
        now = self._clock.now()
        with self._database.reading() as connection:
            projects = sorted({project for _, project in fleets.every(connection)})
            found = [rounds.behind(connection, self._means, project, now) for project in projects]
        return [fleet for some in found for fleet in some]

    def replan(self) -> None:
        """Publish the plan of every project anew, where it is not what is wanted. From any thread."""
        with self._database.reading() as connection:
            self._anew |= {project for _, project in fleets.every(connection)}
        self.wake()

    def stop(self) -> None:
        """End after the round under way, and let another have the lease at once."""
        self._loop.stop()
        if self._held is not None:
            held, self._held = self._held, None
            self._database.write(lambda to: lease.release(to, held))

    def step(self) -> None:
        """One look at everything that is due; raises nothing that the next step could mend."""
        try:
            self._lead()
            if self._held is not None:
                self._round()
            else:
                self._published()  # another one publishes: whoever waits here looks for himself
        except Exception as error:  # noqa: BLE001 - a loop that ends is a control plane that does nothing
            if _is_fenced(error):
                self._held = None
            _failed("round failed", error)

    def _lead(self) -> None:
        """Take the lease, or renew it when a third of its time is over."""
        now = self._clock.monotonic()
        if self._held is not None and now - self._renewed < lease.SECONDS / 3:
            return
        wall = self._clock.now()
        before, self._held = self._held, None  # until it is there again
        self._held = self._database.write(lambda to: lease.acquire(to, LEASE, self._holder, wall))
        self._renewed = now
        if self._held != before:
            _log.info("leads" if self._held else "follows", extra={"fields": {"holder": self._holder}})
            self._swept = float("-inf")

    def _round(self) -> None:
        anew, self._anew = self._anew, set()
        swept = self._sweep() | anew
        with self._database.reading() as connection:
            due = deployments.active(connection)
        by_project: dict[str, list[str]] = defaultdict(list)
        for project, endpoint in due:
            if self._again.get((project, endpoint), 0.0) <= self._clock.monotonic():
                by_project[project].append(endpoint)
        for project in swept - by_project.keys():
            by_project[project] = []
        for project, endpoints in by_project.items():
            for first in range(0, max(1, len(endpoints)), TOGETHER):
                self._some(project, endpoints[first : first + TOGETHER])
        self._follow()

    def _some(self, project: str, endpoints: list[str]) -> None:
        """Take some passes together; when that fails, each alone, so that no endpoint holds up another."""
        try:
            self._told(self._go(project, endpoints))
        except Exception as error:
            if _is_fenced(error):
                raise
            self._alone(project, endpoints, error)

    def _alone(self, project: str, endpoints: list[str], error: Exception) -> None:
        if len(endpoints) <= 1:
            _failed("pass failed", error, project=project, endpoint="".join(endpoints))
            for endpoint in endpoints:
                self._again[project, endpoint] = self._clock.monotonic() + AGAIN_SECONDS
                self._keep(project, endpoint, error)
            return
        for endpoint in endpoints:
            self._some(project, [endpoint])

    def _keep(self, project: str, endpoint: str, error: Exception) -> None:
        """Tell people; not of a database that was busy for a moment."""
        if self._held is None or isinstance(error, Overloaded):
            return
        held, reason = self._held, _reason(error)
        self._database.write(lambda to: rounds.fail(to, held, project, endpoint, reason))

    def _go(self, project: str, endpoints: list[str]) -> Done:
        if self._held is None:
            return Done(None)
        turn = Turn(self._held, self._means, self._clock.now())
        faults.point("round.due")
        return self._database.write(lambda to: rounds.go(to, turn, project, endpoints))

    def _told(self, done: Done) -> None:
        for endpoint, decided in done.decided.items():
            fields = {"endpoint": endpoint, **_spelled(decided)}
            _log.log(_level(decided), "decided", extra={"fields": fields})
        for endpoint, reason in done.refused.items():
            _log.warning("not planned", extra={"fields": {"endpoint": endpoint, "reason": reason}})
        if done.published is not None:
            _log.info("published", extra={"fields": {"revision": str(done.published)}})
            self._published()

    def _sweep(self) -> set[str]:
        """Look at what is not under way; the projects whose plan is not what is wanted."""
        now = self._clock.monotonic()
        if now - self._swept < SWEEP_SECONDS or self._held is None:
            return set()
        self._swept = now
        held, wall = self._held, self._clock.now()
        return self._database.write(lambda to: sweep.sweep(to, held, wall))

    def _follow(self) -> None:
        try:
            self._copies.follow()
        except ModelportError as error:  # the next step tries again; replicas have the plan from the database
            _failed("plan not copied", error)


def _reason(error: Exception) -> str:
    if isinstance(error, ModelportError):
        return error.message
    return f"its pass ended with an error ({type(error).__name__}); the log of the control plane has more"


def _level(decided: Decided) -> int:
    """A rollout that went back, failed, or waits for a person by itself is worth an alert."""
    alerting = decided.by == "strategy" and isinstance(decided.decision, Rollback | Fail | Hold)
    return logging.WARNING if alerting else logging.INFO


def _spelled(decided: Decided) -> dict[str, str]:
    kind = type(decided.decision).__name__.lower()
    return {"decision": kind, "reason": decided.decision.reason, "by": decided.by}


def _is_fenced(error: Exception) -> bool:
    return isinstance(error, ModelportError) and error.code == "not-leader"


def _failed(event: str, error: Exception, **fields: str) -> None:
    """Say it once, at the edge: what of ours was refused with its code, anything else with its traceback."""
    if isinstance(error, ModelportError):
        told = {**fields, "code": error.code, "reason": error.message}
        _log.warning(event, extra={"fields": told})
        return
    _log.error(event, exc_info=error, extra={"fields": fields})
