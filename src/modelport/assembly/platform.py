"""The parts of a control plane, and what each is given.

    Platform = database + artifact store + registry + deployments + fleet + keys ... + reconciler

The state folder holds all of it unless URLs say otherwise:

    modelport.db   artifacts/   key         the first admin key, for commands typed beside the folder
    control.json   logs/        secret.key  what secrets are sealed with
    replica/       downloads/   uploads/    spools/
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from modelport.assembly.files import held, keep, private
from modelport.assembly.joining import Joining
from modelport.assembly.predictions import Predictions
from modelport.control.bell import Bell
from modelport.control.catalog import Shelves
from modelport.control.deployments import Deployments
from modelport.control.doctor import Doctor
from modelport.control.documents import Abilities
from modelport.control.feedback.joiner import Joiner
from modelport.control.feedback.taking import Feedback
from modelport.control.fleet import Fleets
from modelport.control.logs import Logs
from modelport.control.publisher import Copies
from modelport.control.reconciler import Reconciler
from modelport.control.rounds import Means
from modelport.control.spools import Spools
from modelport.control.store import fleets
from modelport.control.strategies.base import strategy
from modelport.control.uses import Deployed
from modelport.core.clock import Clock
from modelport.db import schema, sealing
from modelport.db.audit import Audit
from modelport.db.backup.write import Backup
from modelport.db.connect import Database
from modelport.db.idempotency import Idempotency
from modelport.db.keys import Keys
from modelport.db.secrets import Secrets
from modelport.errors import ModelportError
from modelport.registry import models, versions
from modelport.registry.registry import Registry
from modelport.storage.address import artifact_url
from modelport.storage.urls import open_store


@dataclass(frozen=True, slots=True)
class Where:
    """Where a control plane keeps things.

    Attributes:
        folder: its state folder; made when it is missing.
        database, artifacts: URLs; None for a file and a folder in the state folder.
    """

    folder: Path
    database: str | None = None
    artifacts: str | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """Every part of a control plane; what the API stands on (`api.ports.Platform`).

    Attributes:
        first_key: the text of the first admin key, when this start made it; else None.
        published: rings when there is a new plan or new keys.
    """

    where: Where
    clock: Clock
    uploads: Path
    database: Database
    registry: Registry
    deployments: Deployments
    fleet: Fleets
    feedback: Feedback
    keys: Keys
    secrets: Secrets
    journal: Audit
    idempotency: Idempotency
    logs: Logs
    doctor: Doctor
    backup: Backup
    reconciler: Reconciler
    joining: Joining
    published: Bell
    first_key: str | None

    def not_ready(self) -> str:
        """Why requests should go elsewhere; empty when this control plane takes them."""
        try:
            with self.database.reading() as connection:
                fleets.every(connection)
        except ModelportError as error:
            return error.message
        return ""


@contextmanager
def platform(where: Where, clock: Clock) -> Iterator[Platform]:
    """A control plane that acts from the beginning of the block to its end.

    Raises `Conflict` (`already-running`) when another process has the folder, and what `Database`,
    `schema.upgrade` and `open_store` raise.
    """
    with held(where.folder):
        for name in ("logs", "downloads", "spools"):
            private(where.folder / name)
        database = Database(where.database or f"sqlite:///{where.folder.resolve() / 'modelport.db'}")
        try:
            schema.upgrade(database)
            built = _built(where, clock, database)
            built.reconciler.start()
            built.joining.start()
            try:
                yield built
            finally:
                built.joining.stop()
                built.reconciler.stop()
        finally:
            database.close()


def _built(where: Where, clock: Clock, database: Database) -> Platform:
    folder = where.folder.resolve()
    store = open_store(where.artifacts or (folder / "artifacts").as_uri())
    published, catalog, shipped = Bell(), Shelves(), Spools(folder / "spools")
    joining = Joining(Joiner(database, Predictions(database, shipped), _task, clock))
    database.write(lambda to: fleets.add(to, fleets.LOCAL, "default"))
    registry = Registry(database, store, folder / "downloads", clock, Deployed(clock, catalog))
    reconciler = Reconciler(
        database,
        Means(
            catalog, lambda digest: artifact_url(store.url, digest), strategy, lambda: secrets.randbits(80)
        ),
        clock,
        holder=secrets.token_hex(8),
        copies=Copies(database, store),
        published=published.ring,
    )
    wake = _waking(reconciler, published)
    keys = Keys(database, clock, changed=lambda _: published.ring())
    idempotency = Idempotency(database, clock)
    idempotency.forget_running()  # nobody is: the folder is ours
    return Platform(
        where,
        clock,
        private(folder / "uploads"),
        database,
        registry,
        Deployments(database, registry, clock, wake, target=Abilities()),
        Fleets(database, clock, keys, shipped, published=published, wake=reconciler.wake),
        Feedback(database, clock, models.get, wake=joining.wake),
        keys,
        Secrets(database, clock, sealing.load(os.environ, folder / "secret.key")),
        Audit(database, clock),
        idempotency,
        Logs(folder / "logs"),
        Doctor(database, registry, reconciler, clock, folder),
        Backup(database, store, clock, folder),
        reconciler,
        joining,
        published,
        _first_key(keys, folder / "key"),
    )


def _task(connection: Connection, project: str, model: str, number: int) -> str:
    """What the outputs of a version mean."""
    return versions.get(connection, project, model, number).task


def _waking(reconciler: Reconciler, published: Bell) -> Callable[[], None]:
    """After a change: the reconciler goes round, and live views look."""

    def wake() -> None:
        reconciler.wake()
        published.ring()

    return wake


def _first_key(keys: Keys, file: Path) -> str | None:
    """The first admin key, kept where commands typed beside the folder find it; None when there is one."""
    made = keys.first()
    if made is None:
        return None
    keep(file, made.key)
    return made.key
