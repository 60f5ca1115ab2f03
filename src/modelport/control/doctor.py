"""Looks whether everything is as it should be, says what is not, and mends what can safely be mended."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from modelport.control.fleet import seen
from modelport.control.store import fleets, plans, replicas
from modelport.core.clock import Clock
from modelport.core.sights import Check
from modelport.db import journal
from modelport.db.check import examine, rebuild_indexes
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.registry.verify import Damaged

ROOM_BYTES = 1 << 30
"""Less free space than that is too little."""


class Artifacts(Protocol):
    """What is needed of the registry."""

    def damaged(self) -> Iterator[Damaged]:
        """Artifacts that cannot be served any more."""
        ...

    def clear(self, found: Damaged) -> None:
        """Remove changed bytes, so that registering the bundle again puts whole ones in their place."""
        ...


class Mend(msgspec.Struct, frozen=True):
    """A look that found something, and what would mend it."""

    check: Check
    mend: Callable[[], None] | None = None


class Doctor:
    """Examines and repairs. Thread-safe; `examine` reads every artifact, so it takes its time."""

    def __init__(self, database: Database, artifacts: Artifacts, clock: Clock, folder: Path) -> None:
        self._database = database
        self._artifacts = artifacts
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

    def _of_replicas(self) -> Iterator[Check]:
        now = self._clock.now()
        with self._database.reading() as connection:
            for fleet, _ in fleets.every(connection):
                wanted = plans.revision(connection, fleet)
                told = [seen(fleet, life, wanted, now) for life in replicas.newest(connection, fleet)]
                behind = [each.name for each in told if each.alive and each.revision != wanted]
                silent = [each.name for each in told if not each.alive]
                yield _all_well(f"replicas of {fleet}", len(told), silent, behind)

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


def _all_well(name: str, count: int, silent: Sequence[str], behind: Sequence[str]) -> Check:
    faults = [f"{each} is silent" for each in silent] + [f"{each} is behind the plan" for each in behind]
    return Check(name, not faults, "; ".join(faults) or f"{count} report and have the newest plan")


def _is_wide(path: Path) -> bool:
    return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077) and not path.is_symlink()


def _narrow(paths: Sequence[Path]) -> None:
    for path in paths:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)
