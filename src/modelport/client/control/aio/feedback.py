"""Truths that are learned later (CONTRACTS 6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from modelport.client.aiolink import AsyncLink
from modelport.client.calls import Call
from modelport.client.control import build
from modelport.client.control.aio import streams
from modelport.client.control.build import at
from modelport.core.pages import Page
from modelport.core.sights import FeedbackSeen, Taken
from modelport.core.wishes import Truth


class AsyncFeedback:
    """May be sent again, in any order, before its prediction is known or years later."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def send(self, model: str, prediction_id: str, actual: Any) -> Taken:
        """What a prediction turned out to be; a second, different value is a correction."""
        return await self.send_many(model, [Truth(actual, prediction_id)])

    async def send_for_user(self, model: str, user_id: str, prediction: Any, actual: Any) -> Taken:
        """The same for the latest prediction of a user."""
        return await self.send_many(model, [Truth(actual, user_id=user_id, prediction=prediction)])

    async def send_many(self, model: str, truths: Iterable[Truth]) -> Taken:
        """Many at once, up to what one request holds (1 MiB)."""
        call = build.post(at("models", model, "feedback"), Taken, tuple(truths))
        return await self._link.run(call)

    async def list(self, model: str, *, since: float | None = None) -> AsyncIterator[FeedbackSeen]:
        """What was taken since, in seconds since the epoch, and whether its prediction was found."""

        def page(cursor: str | None) -> Call[Page[FeedbackSeen]]:
            path = at("models", model, "feedback")
            return build.get(path, Page[FeedbackSeen], since=since, cursor=cursor)

        async for truth in streams.every(self._link, page):
            yield truth
