"""A platform for tests of the API: real keys, journal, secrets, registry; the rest is remembered only."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from modelport.core.access import AccessSnapshot
from modelport.core.deployment import Deployment, DeploymentSpec
from modelport.core.fleet import Heard, PlanStatus
from modelport.core.pages import Page
from modelport.core.plan import Revision, ServingPlan
from modelport.core.records import Alias
from modelport.core.rollout import Decided, Progress, Rollout, Wait, Wish
from modelport.core.sights import (
    Applied,
    Change,
    Check,
    Configuration,
    FeedbackSeen,
    LogLine,
    ModelStatus,
    ReplicaSeen,
    Taken,
)
from modelport.core.wishes import Apply, Truth
from modelport.db.audit import Audit
from modelport.db.connect import Database
from modelport.db.idempotency import Idempotency
from modelport.db.journal import Author
from modelport.db.keys import Keys
from modelport.db.sealing import Sealer
from modelport.db.secrets import Secrets
from modelport.errors import NotFound, PreconditionFailed
from modelport.registry.registry import Registry
from modelport.storage.local import LocalStore

TOKEN = "token-of-the-first-start"


class Wall:
    """The real clock, which a test may turn ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Nothing:
    """Nothing is deployed."""

    def versions(self, connection: Connection, project: str, model: str) -> Collection[int]:
        return ()

    def artifacts(self, connection: Connection) -> Collection[str]:
        return ()

    def alias_moved(self, connection: Connection, author: Author, alias: Alias) -> None:
        pass


class Wanted:
    """Deployments of one project, remembered."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Deployment] = {}
        self.phase: Any = "judging"
        self.wishes: list[tuple[str, Wish]] = []
        self.applied: list[Apply] = []

    def apply(self, author: Author, wish: Apply) -> Applied:
        self.applied.append(wish)
        return Applied((Change("deployment/churn.strategy", "created", None, "canary"),), not wish.dry_run)

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}

    def list(self, project: str, *, limit: int, cursor: str | None) -> Page[Deployment]:
        return Page(tuple(one for (at, _), one in sorted(self.known.items()) if at == project))

    def get(self, project: str, endpoint: str) -> Deployment:
        found = self.known.get((project, endpoint))
        if found is None:
            msg = "there is no such deployment"
            raise NotFound(msg, code="deployment-not-found")
        return found

    def deploy(self, author: Author, endpoint: str, version: str) -> Deployment:
        known = self.known.get((author.project, endpoint))
        generation = known.generation + 1 if known else 1
        made = Deployment(endpoint, DeploymentSpec(endpoint, "direct", int(version)), generation)
        self.known[author.project, endpoint] = made
        return made

    activate = deploy

    def delete(self, author: Author, endpoint: str, *, generation: int | None) -> None:
        if generation not in {None, self.get(author.project, endpoint).generation}:
            msg = "it has changed"
            raise PreconditionFailed(msg)
        del self.known[author.project, endpoint]

    def wish(self, author: Author, endpoint: str, wish: Wish) -> Progress:
        self.wishes.append((endpoint, wish))
        self.phase = {"rollback": "rolled_back", "pause": "paused"}.get(wish, "judging")
        return self.rollout(author.project, endpoint)

    def rollouts(self, project: str, endpoint: str, *, limit: int, cursor: str | None) -> Page[Rollout]:
        return Page((self.rollout(project, endpoint).rollout,))

    def rollout(self, project: str, endpoint: str, id: str | None = None) -> Progress:  # noqa: A002
        spec = self.get(project, endpoint).spec
        return Progress(Rollout("r1", spec, 1, 1, self.phase), shares={1: 9000, 2: 1000}, requests=7)

    def pending(self, project: str, endpoint: str) -> bool:
        return self.get(project, endpoint) is None

    def decisions(
        self,
        project: str,
        endpoint: str,
        id: str,  # noqa: A002
        *,
        limit: int,
        cursor: str | None,
    ) -> Page[Decided]:
        return Page((Decided(1, 1.0, Wait("493 more requests")),))

    def status(self, project: str, model: str) -> ModelStatus:
        return ModelStatus(self.get(project, model).endpoint, "serving", live=1)

    def configurations(
        self, project: str, *, kind: str | None, name: str | None, limit: int, cursor: str | None
    ) -> Page[Configuration]:
        return self.history(project, kind or "deployment", name or "churn", limit=limit, cursor=cursor)

    def configuration(self, project: str, kind: str, name: str) -> Configuration:
        return Configuration(kind, name, 1, {"strategy": "canary"})

    def history(
        self, project: str, kind: str, name: str, *, limit: int, cursor: str | None
    ) -> Page[Configuration]:
        return Page((self.configuration(project, kind, name),))

    def configuration_diff(
        self, project: str, kind: str, name: str, before: int, after: int
    ) -> tuple[Change, ...]:
        return (Change("steps", "changed", [5], [10]),)


class Replicas:
    """One fleet, `local`, of the project `default`."""

    def __init__(self) -> None:
        self.newest: ServingPlan | None = None
        self.reports: list[PlanStatus] = []
        self.frames: list[tuple[str, int, bytes]] = []
        self.heard: list[Callable[[], None]] = []
        self.looks = 0

    def publish(self, number: int) -> None:
        self.newest = ServingPlan(Revision(1, number), (), ())
        for one in self.heard:
            one()

    def plan(self, project: str, fleet: str) -> ServingPlan | None:
        self._check(project, fleet)
        self.looks += 1
        return self.newest

    def access(self, project: str, fleet: str) -> AccessSnapshot:
        self._check(project, fleet)
        return AccessSnapshot(1, ())

    def report(self, project: str, fleet: str, status: PlanStatus) -> Heard:
        self._check(project, fleet)
        self.reports.append(status)
        return Heard(self.newest.revision if self.newest else None, 1)

    def replicas(self, project: str, fleet: str) -> tuple[ReplicaSeen, ...]:
        self._check(project, fleet)
        return tuple(ReplicaSeen(fleet, one.replica, alive=True) for one in self.reports[-1:])

    def spool(self, project: str, fleet: str, replica: str, file: str, *, offset: int, frames: bytes) -> int:
        self._check(project, fleet)
        self.frames.append((file, offset, frames))
        return offset + len(frames)

    def on_change(self, heard: Callable[[], None]) -> Callable[[], None]:
        self.heard.append(heard)
        return lambda: self.heard.remove(heard)

    def _check(self, project: str, fleet: str) -> None:
        if (project, fleet) != ("default", "local"):
            msg = "there is no such fleet"
            raise NotFound(msg, code="fleet-not-found")


class Truths:
    """Feedback, remembered."""

    def __init__(self) -> None:
        self.taken: list[Truth] = []

    def take(self, author: Author, model: str, truths: Sequence[Truth]) -> Taken:
        self.taken.extend(truths)
        return Taken(len(truths))

    def since(
        self, project: str, model: str, since: float, *, limit: int, cursor: str | None
    ) -> Page[FeedbackSeen]:
        return Page(tuple(FeedbackSeen(one.actual, 1.0, one.prediction_id) for one in self.taken))


class Lines:
    """A log of two lines."""

    lines = (
        LogLine(1.0, "control", "info", "began", place="1"),
        LogLine(2.0, "model-deployment", "info", "ready", "churn", place="2"),
    )

    def read(
        self, project: str, *, service: str | None, model: str | None, since: float | None, after: str | None
    ) -> Iterator[LogLine]:
        return (
            line
            for line in self.lines
            if line.place > (after or "") and model in {None, line.model} and service in {None, line.service}
        )


class Healthy:
    """All is well."""

    def examine(self) -> tuple[Check, ...]:
        return (Check("database", True, "its pages are whole"),)

    def repair(self, author: Author) -> tuple[Check, ...]:
        return self.examine()


class Archive:
    """A backup of a few bytes."""

    def stream(self) -> Iterator[bytes]:
        yield b"tar" * 1000
        yield b"end"


class Playground:
    """All of it over one database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.clock = Wall()
        self.uploads = folder / "uploads"
        self.uploads.mkdir(mode=0o700)
        self.reason = ""
        store = LocalStore(folder / "artifacts")
        self.registry = Registry(database, store, folder / "downloads", self.clock, Nothing())
        self.deployments = Wanted()
        self.fleet = Replicas()
        self.feedback = Truths()
        self.keys = Keys(database, self.clock, token=TOKEN)
        self.secrets = Secrets(database, self.clock, Sealer(b"k" * 32))
        self.journal = Audit(database, self.clock)
        self.idempotency = Idempotency(database, self.clock)
        self.logs = Lines()
        self.doctor = Healthy()
        self.backup = Archive()

    def not_ready(self) -> str:
        return self.reason


def encoded(value: object) -> bytes:
    return msgspec.json.encode(value)
