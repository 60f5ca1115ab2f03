"""Feedback in the database. Functions work in the transaction they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.pages import Page, cursor, place
from modelport.core.sights import FeedbackSeen
from modelport.core.wishes import Truth
from modelport.db.rows import text
from modelport.db.tables import feedback, truths

Fate = Literal["new", "correction", "repeated"]
Key = tuple[str, str, str]
"""Project, model and reference of a truth."""


class Joined(msgspec.Struct, frozen=True):
    """What a truth was found to be about: who answered, what, and whether that was right then."""

    fleet: str
    slot: str
    predicted: Any
    right: bool | None


class Waiting(msgspec.Struct, frozen=True):
    """A truth whose prediction was not found yet, or one that was corrected since.

    Attributes:
        project, model, reference: which row it is.
        prediction_id, user_id: what it says of its prediction, one of the two.
        prediction: what a truth about a user says was predicted.
        actual: what came true, as it is known now.
        at, tries: when it was said last, and how often its prediction was looked for.
        joined: what it was about before it was corrected; None where that is not known yet.
    """

    project: str
    model: str
    reference: str
    prediction_id: str
    user_id: str
    prediction: Any
    actual: Any
    at: float
    tries: int
    joined: Joined | None = None

    @property
    def key(self) -> Key:
        """Which row it is."""
        return self.project, self.model, self.reference


def reference(truth: Truth) -> str:
    """What two truths about the same prediction have in common."""
    if truth.prediction_id:
        return truth.prediction_id
    return f"user:{msgspec.json.encode([truth.user_id, truth.prediction]).decode()}"


def put(connection: Connection, about: tuple[str, str], truth: Truth, *, by: str, now: float) -> Fate:
    """Keep a truth about a (project, model), unless it is known already.

    Another value than the known one is a correction, and counts from now on.
    """
    project, model = about
    known = _row(connection, project, model, reference(truth))
    actual = text(truth.actual)
    if known is not None and known.actual == actual:
        return "repeated"
    number = 1 if known is None else known.number + 1
    key = {"project": project, "model": model, "reference": reference(truth)}
    connection.execute(sa.insert(truths).values(**key, number=number, actual=actual, at=now, by=by))
    if known is None:
        connection.execute(sa.insert(feedback).values(**key, **_first(truth, now)))
        return "new"
    change = {"actual": actual, "at": now, "number": number, "due": now, "tries": 0}
    connection.execute(sa.update(feedback).where(*_is(key)).values(**change))
    return "correction"


def due(connection: Connection, now: float, limit: int) -> list[Waiting]:
    """Truths whose prediction should be looked for now, those first that have waited longest."""
    query = sa.select(feedback).where(feedback.c.due <= now).order_by(feedback.c.due).limit(limit)
    return [_waiting(row) for row in connection.execute(query)]


def later(connection: Connection, waiting: Waiting, at: float | None) -> None:
    """Look again at `at`; never, when it is None."""
    change = {"due": at, "tries": waiting.tries + 1}
    connection.execute(sa.update(feedback).where(*_same(waiting)).values(**change))


def join(connection: Connection, waiting: Waiting, joined: Joined) -> bool:
    """Say what a truth is about; whether it was there as it was looked at.

    One that was corrected or joined since is left for its next look.
    """
    key = (*_same(waiting), feedback.c.actual == text(waiting.actual))
    row = connection.execute(sa.select(feedback).where(*key).with_for_update()).first()
    if row is None or _joined(row) != waiting.joined:
        return False
    change = {"predicted": text(joined.predicted), "right": joined.right, "due": None}
    place = {"fleet": joined.fleet, "slot": joined.slot}
    connection.execute(sa.update(feedback).where(*key).values(**place, **change))
    return True


def since(
    connection: Connection, project: str, model: str, when: float, *, limit: int, after: str | None
) -> Page[FeedbackSeen]:
    """What was said since `when` (seconds since the epoch), in the order it was said."""
    mine = [feedback.c.project == project, feedback.c.model == model, feedback.c.at >= when]
    if after is not None:
        mine.append(sa.tuple_(feedback.c.at, feedback.c.reference) > place(after, float, str))
    query = sa.select(feedback).where(*mine).order_by(feedback.c.at, feedback.c.reference)
    rows = connection.execute(query.limit(limit + 1)).all()
    items = tuple(_seen(row) for row in rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items, None if last is None else cursor(last.at, last.reference))


def _first(truth: Truth, now: float) -> dict[str, Any]:
    return {
        "prediction_id": truth.prediction_id,
        "user_id": truth.user_id,
        "prediction": None if truth.prediction is None else text(truth.prediction),
        "actual": text(truth.actual),
        "at": now,
        "number": 1,
        "tries": 0,
        "due": now,
    }


def _row(connection: Connection, project: str, model: str, name: str) -> Any:
    key = {"project": project, "model": model, "reference": name}
    return connection.execute(sa.select(feedback).where(*_is(key)).with_for_update()).first()


def _is(key: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    return [feedback.c[name] == value for name, value in key.items()]


def _same(waiting: Waiting) -> list[sa.ColumnElement[bool]]:
    key = {"project": waiting.project, "model": waiting.model, "reference": waiting.reference}
    return _is(key)


def _waiting(row: Any) -> Waiting:
    return Waiting(
        row.project,
        row.model,
        row.reference,
        row.prediction_id,
        row.user_id,
        _decoded(row.prediction),
        _decoded(row.actual),
        row.at,
        row.tries,
        _joined(row),
    )


def _joined(row: Any) -> Joined | None:
    if row.slot is None:
        return None
    return Joined(row.fleet, row.slot, _decoded(row.predicted), row.right)


def _seen(row: Any) -> FeedbackSeen:
    version = None if row.slot is None else int(row.slot.partition("~")[0].rpartition(":")[2])
    return FeedbackSeen(
        _decoded(row.actual),
        row.at,
        row.prediction_id,
        row.user_id,
        _decoded(row.predicted or row.prediction),
        row.slot is not None,
        row.right,
        version,
    )


def _decoded(column: str | None) -> Any:
    return None if column is None else msgspec.json.decode(column)
