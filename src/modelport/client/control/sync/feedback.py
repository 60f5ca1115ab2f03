"""Truths that are learned later (CONTRACTS 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelport.client.calls import Call
from modelport.client.control import build
from modelport.client.control.build import at
from modelport.client.control.sync import streams
from modelport.client.link import Link
from modelport.core.pages import Page
from modelport.core.sights import FeedbackSeen, Taken
from modelport.core.wishes import Truth


class Feedback:
    """May be sent again, in any order, before its prediction is known or years later."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def send(self, model: str, prediction_id: str, actual: Any) -> Taken:
        """What a prediction turned out to be; a second, different value is a correction."""
        return self.send_many(model, [Truth(actual, prediction_id)])

    def send_for_user(self, model: str, user_id: str, prediction: Any, actual: Any) -> Taken:
        """The same for the latest prediction of a user."""
        return self.send_many(model, [Truth(actual, user_id=user_id, prediction=prediction)])

    def send_many(self, model: str, truths: Iterable[Truth]) -> Taken:
        """Many at once, up to what one request holds (1 MiB)."""
        call = build.post(at("models", model, "feedback"), Taken, tuple(truths))
        return self._link.run(call)

    def list(self, model: str, *, since: float | None = None) -> Iterator[FeedbackSeen]:
        """What was taken since, in seconds since the epoch, and whether its prediction was found."""

        def page(cursor: str | None) -> Call[Page[FeedbackSeen]]:
            path = at("models", model, "feedback")
            return build.get(path, Page[FeedbackSeen], since=since, cursor=cursor)

        yield from streams.every(self._link, page)
