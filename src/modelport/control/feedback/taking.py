"""Takes truths and gives them back, for whoever may: what the API calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy.engine import Connection

from modelport.control.feedback import store
from modelport.core.clock import Clock
from modelport.core.pages import Page
from modelport.core.sights import FeedbackSeen, Taken
from modelport.core.wishes import Truth
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.errors import InvalidInput, TooLarge

MOST = 10_000
"""Truths in one request."""
MAX_BYTES = 65_536
"""Longest value of a truth, as JSON."""

Known = Callable[[Connection, str, str], object]
"""Raises `NotFound` for a model that the project does not have."""


class Feedback:
    """Truths of all projects, a project at a time. Thread-safe.

    Args:
        known: judges whether there is such a model.
        wake: called after truths were kept: somebody should look for their predictions.
    """

    def __init__(
        self, database: Database, clock: Clock, known: Known, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._known = known
        self._wake = wake

    def take(self, author: Author, model: str, truths: Sequence[Truth]) -> Taken:
        """Keep truths, all of them or none. The same again changes nothing, another value is a correction.

        Raises `NotFound` for a model that is not there, `InvalidInput` (`bad-feedback`) with the place of a
        truth that does not say what it is about, `TooLarge`.
        """
        _check(truths)
        taken = self._database.write(lambda to: self._keep(to, author, model, truths))
        self._wake()
        return taken

    def since(
        self, project: str, model: str, since: float, *, limit: int, cursor: str | None
    ) -> Page[FeedbackSeen]:
        """What was said since, in that order, and whether its prediction was found and right."""
        with self._database.reading() as connection:
            self._known(connection, project, model)
            return store.since(connection, project, model, since, limit=limit, after=cursor)

    def _keep(self, to: Connection, author: Author, model: str, truths: Sequence[Truth]) -> Taken:
        self._known(to, author.project, model)
        now = self._clock.now()
        about = (author.project, model)
        fates = Counter(store.put(to, about, truth, by=author.actor, now=now) for truth in truths)
        return Taken(fates["new"], fates["correction"], fates["repeated"])


def _check(truths: Sequence[Truth]) -> None:
    if len(truths) > MOST:
        msg = f"{len(truths):,} truths in one request are more than {MOST:,}"
        raise TooLarge(msg, hint="send them in several requests")
    for index, truth in enumerate(truths):
        if not truth.prediction_id and (not truth.user_id or truth.prediction is None):
            msg = f"truth {index} says neither `prediction_id` nor `user_id` with `prediction`"
            raise InvalidInput(msg, code="bad-feedback", pointer=f"/{index}")
        if truth.actual is None:
            msg = f"truth {index} does not say what came true"
            raise InvalidInput(msg, code="bad-feedback", pointer=f"/{index}/actual")
        if len(msgspec.json.encode([truth.actual, truth.prediction, truth.user_id])) > MAX_BYTES:
            msg = f"truth {index} is longer than {MAX_BYTES:,} bytes"
            raise TooLarge(msg, hint="feedback names what was right, not the input")
