"""A bundle file becomes a version. Bytes first, then the row: a version's artifact is always there.

    put      the bytes, which show when they are whole
    commit   the version with its journal entry, in one transaction that holds the artifact's row and looks
             whether the bytes are there: now it is registered

Whoever is killed between the two leaves an artifact without a version, which the next try uses, or garbage
collection takes after a day. Collection holds the same row while it removes bytes, so where it was faster
the bytes are put again.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy.engine import Connection

from modelport.core import faults
from modelport.core.names import check_name
from modelport.core.records import Lineage, Version
from modelport.core.wishes import Registration
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.errors import Conflict, NotFound
from modelport.registry import artifacts, facts, models, versions, words
from modelport.registry.facts import Facts
from modelport.storage.store import Store

_TRIES = 3


class Order(msgspec.Struct, frozen=True):
    """What is to be registered: on whose behalf, as which model, how, what, and when.

    `lost` is the artifact of the version it has already, where the store has that no more.
    """

    author: Author
    model: str
    wish: Registration
    facts: Facts
    at: float
    lost: str | None = None


def register(
    database: Database, store: Store, author: Author, model: str, *, file: Path, wish: Registration, at: float
) -> tuple[Version, bool]:
    """The version of a bundle file, and whether it was made now.

    The same identity gives the version it has, unless `new_version` is wished. Raises what `facts.read`,
    `Store.put` and `versions.add` raise, and `NotFound` for a parent that is not there.
    """
    order = Order(author, check_name(model), _checked(wish), facts.read(file), at)
    known = _known(database, order)
    if known is not None:
        if store.size(known.artifact) == known.size:
            return known, False
        order = msgspec.structs.replace(order, lost=known.artifact)
    for _ in range(_TRIES):
        store.put(file, order.facts.artifact)
        faults.point("register.put")
        done = database.write(lambda connection: _commit(connection, store, order))
        if done is not None:
            return done
    msg = "the artifact was collected as garbage each time that it was put"
    raise Conflict(msg, code="artifact-collected", hint="register it again when no collection runs")


def _known(database: Database, order: Order) -> Version | None:
    if order.wish.new_version:
        return None
    with database.reading() as connection:
        return versions.with_identity(connection, order.author.project, order.model, order.facts.identity)


def _commit(connection: Connection, store: Store, order: Order) -> tuple[Version, bool] | None:
    """The version; None where the bytes were collected as garbage before they had one."""
    project, model = order.author.project, order.model
    models.make(connection, order.author, model, order.at)
    models.lock(connection, project, model)
    artifacts.touch(connection, order.facts.artifact, order.facts.size, order.at)
    if store.size(order.facts.artifact) != order.facts.size:
        return None
    known = versions.with_identity(connection, project, model, order.facts.identity)
    if known is not None and not order.wish.new_version:
        return _mended(connection, order, known), False
    return _added(connection, order, forced=known is not None), True


def _added(connection: Connection, order: Order, *, forced: bool) -> Version:
    _parent(connection, order)
    version = _version(order, models.numbered(connection, order.author.project, order.model))
    versions.add(connection, order.author.project, version, forced=forced)
    detail = {"identity": version.identity, "artifact": version.artifact, "size": version.size}
    faults.point("register.row")
    journal.append(connection, order.author, "model.register", version.id, at=order.at, detail=detail)
    faults.point("register.journal")
    return version


def _mended(connection: Connection, order: Order, known: Version) -> Version:
    """The version with the artifact that is there now, where its own was lost: both answer the same."""
    if known.artifact != order.lost or known.artifact == order.facts.artifact:
        return known
    artifact, size = order.facts.artifact, order.facts.size
    versions.mend(connection, order.author.project, known, artifact, size)
    detail = {"from": known.artifact, "to": artifact}
    journal.append(connection, order.author, "model.mend", known.id, at=order.at, detail=detail)
    return msgspec.structs.replace(known, artifact=artifact, size=size)


def _version(order: Order, number: int) -> Version:
    known, wish = order.facts, order.wish
    return Version(
        order.model,
        number,
        known.identity,
        known.artifact,
        known.size,
        wish.label or known.label,
        known.task,
        known.contract,
        known.parameters,
        known.metrics,
        known.tags,
        Lineage(wish.dataset, wish.training_run, wish.parent, known.source),
        order.at,
        order.author.actor,
    )


def _parent(connection: Connection, order: Order) -> None:
    if order.wish.parent is not None:
        try:
            versions.get(connection, order.author.project, order.model, order.wish.parent)
        except NotFound as error:
            error.hint = "the parent is a version of the same model"
            raise


def _checked(wish: Registration) -> Registration:
    words.text("the dataset", wish.dataset)
    words.text("the training run", wish.training_run)
    return wish
