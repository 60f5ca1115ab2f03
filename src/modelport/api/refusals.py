"""Refusals in the journal: the first of a kind at once, a flood of them as a number.

A thousand wrong keys a second would else be a thousand chained entries: a stranger could fill the disk.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from modelport.api.ports import Journal
from modelport.api.threads import Threads
from modelport.core.clock import Clock
from modelport.db.journal import Author

WINDOW = 10.0
"""Seconds in which refusals of one kind are told once."""
_KINDS = 1000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kind:
    since: float
    more: int = 0


class Refusals:
    """Owned by the event loop; writes in threads."""

    def __init__(self, journal: Journal, clock: Clock, threads: Threads) -> None:
        self._journal = journal
        self._threads = threads
        self._clock = clock
        self._kinds: dict[tuple[str, str, str, str], _Kind] = {}

    async def note(self, author: Author, action: str, resource: str, code: str) -> None:
        """Tell of a refusal, or count it when its like was told a moment ago. Never fails the answer."""
        more = self._told(author, action, code)
        if more is None:
            return
        detail = {"repeated": more} if more else {}
        try:
            await self._threads.note(
                partial(self._journal.note, author, action, resource[:200], result=code, detail=detail)
            )
        except Exception:  # noqa: BLE001 - a journal that is away must not turn a refusal into another answer
            _log.exception("a refusal could not be written to the journal")

    def _told(self, author: Author, action: str, code: str) -> int | None:
        """How many were left out since the last that was told; None to leave this one out too."""
        kind, now = (author.actor, author.address, action, code), self._clock.monotonic()
        known = self._kinds.get(kind)
        if known is not None and now - known.since < WINDOW:
            known.more += 1
            return None
        if len(self._kinds) >= _KINDS:
            self._kinds = {key: one for key, one in self._kinds.items() if now - one.since < WINDOW}
        self._kinds[kind] = _Kind(now)
        return known.more if known else 0
