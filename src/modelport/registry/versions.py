"""Versions in the database. Functions work in the transaction they are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.manifest import Parameters
from modelport.core.names import check_name, is_name
from modelport.core.pages import Page, cursor, place
from modelport.core.ready import ready
from modelport.core.records import Lineage, Version
from modelport.core.wishes import VersionChange
from modelport.db.tables import versions
from modelport.errors import Conflict, NotFound
from modelport.registry import models, words
from modelport.registry.refs import check_free

_TOGETHER = 5000
"""Most versions that one statement names: databases bound how many values it may have."""


class Sought(msgspec.Struct, frozen=True):
    """Which versions of a model are meant: those with all these tags, and metrics within these bounds."""

    tags: Mapping[str, str] = {}
    at_least: Mapping[str, float] = {}
    at_most: Mapping[str, float] = {}


def get(connection: Connection, project: str, model: str, number: int) -> Version:
    """A version. Raises `NotFound` (`model-not-found`, `version-not-found`)."""
    mine = sa.select(versions).where(*_is(project, model, number))
    row = connection.execute(mine).first() if is_name(model) else None
    if row is None:
        raise absent(connection, project, model, str(number))
    return _version(row)


def some(connection: Connection, project: str, wanted: Iterable[tuple[str, int]]) -> Iterator[Version]:
    """Those versions, given as (model, number), that there are, in no order."""
    named = sorted(wanted)
    each = sa.tuple_(versions.c.model, versions.c.number)
    for start in range(0, len(named), _TOGETHER):
        mine = sa.select(versions).where(
            versions.c.project == project, each.in_(named[start : start + _TOGETHER])
        )
        yield from map(_version, connection.execute(mine))


def with_identity(connection: Connection, project: str, model: str, identity: str) -> Version | None:
    """The version that a bundle identity was first registered as; None where it never was."""
    found = sa.select(versions).where(*_of(project, model), versions.c.identity == identity)
    row = connection.execute(found.order_by(versions.c.forced, versions.c.number).limit(1)).first()
    return None if row is None else _version(row)


def with_digest(connection: Connection, project: str, model: str, digest: str) -> Version | None:
    """The newest version with this bundle identity, or whose file has this digest."""
    if not is_name(model):
        return None
    same = (versions.c.identity == digest) | (versions.c.artifact == digest)
    found = sa.select(versions).where(*_of(project, model), same)
    row = connection.execute(found.order_by(versions.c.number.desc()).limit(1)).first()
    return None if row is None else _version(row)


def with_label(connection: Connection, project: str, model: str, label: str) -> Version | None:
    """The version with this semantic label."""
    found = sa.select(versions).where(*_of(project, model), versions.c.label == label)
    row = connection.execute(found).first()
    return None if row is None else _version(row)


def add(connection: Connection, project: str, version: Version, *, forced: bool) -> None:
    """Add a version of a locked model. Raises `Conflict` (`label-taken`)."""
    label = _free_label(connection, project, version.model, version.label)
    values = msgspec.to_builtins(version) | {
        "label": label,
        "metrics": words.metrics(version.metrics),
        "tags": words.tags(version.tags),
        "lineage": msgspec.to_builtins(version.lineage),
        "task": version.task,
        "contract": version.contract,
        "parameters": msgspec.to_builtins(version.parameters or Parameters()),
    }
    connection.execute(sa.insert(versions).values(project=project, forced=forced, **values))


def change(connection: Connection, project: str, model: str, number: int, wish: VersionChange) -> Version:
    """Change what is not None. Raises `NotFound`, `Conflict` (`label-taken`), `NameInvalid`, `BadRequest`."""
    models.lock(connection, project, model)
    before = get(connection, project, model, number)
    values: dict[str, Any] = {}
    if wish.label is not None and wish.label != before.label:
        values["label"] = _free_label(connection, project, model, wish.label)
    if wish.tags is not None:
        values["tags"] = words.tags(wish.tags)
    if wish.metrics is not None:
        values["metrics"] = words.metrics(wish.metrics)
    if values:
        connection.execute(sa.update(versions).where(*_is(project, model, number)).values(**values))
    return get(connection, project, model, number)


def mend(connection: Connection, project: str, version: Version, artifact: str, size: int) -> None:
    """Give a version another file of the same identity."""
    mine = _is(project, version.model, version.number)
    connection.execute(sa.update(versions).where(*mine).values(artifact=artifact, size=size))


def delete(connection: Connection, project: str, model: str, number: int) -> None:
    """Remove a version of a locked model; its artifact is the garbage collection's."""
    connection.execute(sa.delete(versions).where(*_is(project, model, number)))


def numbers(connection: Connection, project: str, model: str) -> tuple[int, ...]:
    """The numbers of all versions of a model."""
    return tuple(connection.execute(sa.select(versions.c.number).where(*_of(project, model))).scalars())


def find(
    connection: Connection, project: str, model: str, sought: Sought, *, limit: int, after: str | None
) -> Page[Version]:
    """Versions of a model, the newest first. Raises `NotFound` where there is no such model."""
    models.get(connection, project, model)
    query = sa.select(versions).where(*_of(project, model), *_meant(sought))
    if after is not None:
        query = query.where(versions.c.number < int(place(after)[0]))
    found = connection.execute(query.order_by(versions.c.number.desc()).limit(limit + 1)).all()
    items = tuple(_version(row) for row in found[:limit])
    return Page(items, cursor(items[-1].number) if len(found) > limit else None)


def absent(connection: Connection, project: str, model: str, ref: str) -> NotFound:
    """Nothing of the model is meant by `ref`; raises `NotFound` where there is no such model at all."""
    latest = models.get(connection, project, model).latest
    msg = f"{model} has no version {ref[:120]!r}"
    hint = f"its newest is {model}:{latest}" if latest else "it has no versions yet"
    return NotFound(msg, code="version-not-found", hint=hint)


def _meant(sought: Sought) -> list[sa.ColumnElement[bool]]:
    def metric(name: str) -> sa.ColumnElement[Any]:
        value: sa.ColumnElement[Any] = versions.c.metrics[check_name(name, "metric")].as_float()
        return value

    return [
        *(versions.c.tags[name].as_string() == value for name, value in words.tags(sought.tags).items()),
        *(metric(name) >= bound for name, bound in sought.at_least.items()),
        *(metric(name) <= bound for name, bound in sought.at_most.items()),
    ]


def _free_label(connection: Connection, project: str, model: str, label: str | None) -> str | None:
    if label is None:
        return None
    check_free(model, check_name(label, "label"), "a label")
    other = with_label(connection, project, model, label)
    if other is not None:
        msg = f"{other.id} has the label {label!r} already"
        raise Conflict(msg, code="label-taken", hint="give another label, or remove it there first")
    return label


def _of(project: str, model: str) -> tuple[sa.ColumnElement[bool], ...]:
    return versions.c.project == project, versions.c.model == model


def _is(project: str, model: str, number: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (*_of(project, model), versions.c.number == number)


def _version(row: sa.Row[Any]) -> Version:
    return Version(
        row.model,
        row.number,
        row.identity,
        row.artifact,
        row.size,
        row.label,
        row.task,
        row.contract,
        msgspec.convert(row.parameters, ready(Parameters)),
        row.metrics,
        row.tags,
        msgspec.convert(row.lineage, ready(Lineage)),
        row.created,
        row.created_by,
    )
