"""Looks whether everything is as it should be, says what is not, and mends what can safely be mended."""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from modelport.control.fleet import seen
from modelport.control.store import deployments, fleets, plans, replicas
from modelport.control.store.replicas import Life
from modelport.core.clock import Clock
from modelport.core.plan import Revision
from modelport.core.sights import Check
from modelport.db import journal
from modelport.db.check import examine, rebuild_indexes
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.errors import Overloaded
from modelport.registry.verify import Damaged

ROOM_BYTES = 1 << 30
"""Less free space than that is too little."""
CLOCK_SECONDS = 5.0
"""A clock that differs by more is wrong: keys end, logs and predictions sort by it."""
SETTLE_SECONDS = 1.0
"""What is wanted may differ from the plan for a moment: until its pass is taken."""
PUBLISH_SECONDS = 10.0


class Artifacts(Protocol):
    """What is needed of the registry."""

    def damaged(self) -> Iterator[Damaged]:
        """Artifacts that cannot be served any more."""
        ...

    def clear(self, found: Damaged) -> None:
        """Remove changed bytes, so that registering the bundle again puts whole ones in their place."""
        ...


class Plans(Protocol):
    """What is needed of whoever publishes plans."""

    def behind(self) -> list[str]:
        """The fleets whose newest plan does not say what is wanted."""
        ...

    def replan(self) -> None:
        """Publish anew where that is so."""
        ...


class Mend(msgspec.Struct, frozen=True):
    """A look that found something, and what would mend it."""

    check: Check
    mend: Callable[[], None] | None = None


class Doctor:
    """Examines and repairs. Thread-safe; `examine` reads every artifact, so it takes its time."""

    def __init__(
        self, database: Database, artifacts: Artifacts, plans: Plans, clock: Clock, folder: Path
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._plans = plans
        self._clock = clock
        self._folder = folder

    def examine(self) -> tuple[Check, ...]:
        """Every look there is. Changes nothing."""
        return tuple(each.check for each in self._looks())

    def repair(self, author: Author) -> tuple[Check, ...]:
        """Every look, with what could be mended mended."""
        return tuple(self._mended(author, each) for each in self._looks())

    def _looks(self) -> Iterator[Mend]:
        yield from (self._of_database(each) for each in examine(self._database))
        yield from self._of_artifacts()
        yield self._of_deployments()
        yield self._of_plans()
        yield from (Mend(each) for each in self._of_replicas())
        yield self._of_room()
        yield self._of_permissions()

    def _mended(self, author: Author, found: Mend) -> Check:
        if found.check.ok or found.mend is None:
            return found.check
        found.mend()
        now, name = self._clock.now(), found.check.name
        self._database.write(lambda to: journal.append(to, author, "doctor.repair", name, at=now))
        return msgspec.structs.replace(found.check, repaired=True)

    def _of_database(self, found: Check) -> Mend:
        """Indexes can be made anew from their tables; nothing else of a database can."""
        return Mend(found, partial(rebuild_indexes, self._database) if found.repair else None)

    def _of_artifacts(self) -> Iterator[Mend]:
        found = list(self._artifacts.damaged())
        if not found:
            yield Mend(Check("artifacts", True, "every artifact is there and has its digest"))
        for each in found:
            named = ", ".join(each.versions)
            if each.problem == "artifact-absent":
                message = f"the bundle of {named} is gone: register it again, or restore a backup"
                yield Mend(Check("artifacts", False, message))
                continue
            message = f"the bundle of {named} has changed: what serves it goes on, nothing loads it anew"
            repair = "remove the changed bytes; then register the bundle again"
            yield Mend(Check("artifacts", False, message, repair), self._clearing(each))

    def _clearing(self, found: Damaged) -> Callable[[], None]:
        return lambda: self._artifacts.clear(found)

    def _of_deployments(self) -> Mend:
        with self._database.reading() as connection:
            found = [kept.deployment for kept in deployments.every(connection)]
        faults = [f"{each.endpoint} stays as it is: {each.trouble}" for each in found if each.trouble]
        return Mend(_look("deployments", faults, f"{len(found)} can be planned as they are wanted"))

    def _of_plans(self) -> Mend:
        """Twice, a moment apart, before it is called wrong."""
        behind = self._plans.behind()
        if behind:
            time.sleep(SETTLE_SECONDS)
            behind = self._plans.behind()
        faults = [f"the plan of {fleet} is not what is wanted" for fleet in behind]
        check = _look("plans", faults, "every fleet's plan says what is wanted", "publish it anew")
        return Mend(check, self._replan)

    def _replan(self) -> None:
        """Raises `Overloaded` (`not-published`) when no control plane publishes."""
        self._plans.replan()
        deadline = time.monotonic() + PUBLISH_SECONDS
        while self._plans.behind():
            if time.monotonic() >= deadline:
                msg = "the plan was not published anew"
                hint = "another control plane may lead: its log tells more"
                raise Overloaded(msg, code="not-published", hint=hint)
            time.sleep(0.05)

    def _of_replicas(self) -> Iterator[Check]:
        now = self._clock.now()
        with self._database.reading() as connection:
            for fleet, _ in fleets.every(connection):
                lives = replicas.newest(connection, fleet)
                yield self._of_fleet(fleet, lives, plans.revision(connection, fleet), now)
                yield _of_clocks(fleet, [life for life in lives if life.status.at])

    def _of_fleet(self, fleet: str, lives: Sequence[Life], wanted: Revision | None, now: float) -> Check:
        told = [seen(fleet, life, wanted, now) for life in lives]
        faults = [f"{each.name} is silent" for each in told if not each.alive]
        faults += [
            f"{each.name} is behind the plan: {each.refused or 'it takes it soon, or its log says why not'}"
            for each in told
            if each.alive and each.revision != wanted
        ]
        return _look(f"replicas of {fleet}", faults, f"{len(told)} report and have the newest plan")

    def _of_room(self) -> Mend:
        free = shutil.disk_usage(self._folder).free
        said = f"{free >> 20} MiB are free where the state is kept"
        return Mend(Check("disk", free >= ROOM_BYTES, said))

    def _of_permissions(self) -> Mend:
        wide = [path for path in [self._folder, *self._folder.iterdir()] if _is_wide(path)]
        if not wide:
            return Mend(Check("permissions", True, "the state is readable by its owner alone"))
        named = ", ".join(sorted(path.name for path in wide))
        message = f"others can read {named}"
        return Mend(
            Check("permissions", False, message, "take their permissions away"), lambda: _narrow(wide)
        )


def _look(name: str, faults: Sequence[str], well: str, repair: str = "") -> Check:
    return Check(name, not faults, "; ".join(faults) or well, repair if faults else "")


def _of_clocks(fleet: str, lives: Sequence[Life]) -> Check:
    """Of replicas that say what time it was when they reported."""
    ahead = {life.status.replica: life.status.at - life.seen for life in lives}
    faults = [
        f"the clock of {name} is {abs(by):.0f} s {'ahead' if by > 0 else 'behind'}: set it"
        for name, by in ahead.items()
        if abs(by) > CLOCK_SECONDS
    ]
    return _look(f"clocks of {fleet}", faults, f"they differ by less than {CLOCK_SECONDS:g} s from this one")


def _is_wide(path: Path) -> bool:
    return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077) and not path.is_symlink()


def _narrow(paths: Sequence[Path]) -> None:
    for path in paths:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)
