"""Brings the bundles that plans name by URL to this machine, and says which are missing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import random

import msgspec

from modelport.core.plan import ServingPlan, SlotSpec
from modelport.errors import ModelportError
from modelport.serving.fleet.backoff import Backoff
from modelport.serving.fleet.shelf import Shelf
from modelport.serving.log import note

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
AT_A_TIME = 4
"""Bundles that are fetched at a time."""

Missing = Mapping[str, str]
"""Paths of bundles that are not here yet, and why; without a reason one is on its way."""


class Stock:
    """Owned by the event loop; fetching is done in threads.

    A bundle that cannot be fetched holds up its own endpoints only, and is tried again, at first after a
    second, then later each time.

    Attributes:
        missing: what is not here yet.
        changed: called with `missing` whenever it is another.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._threads = ThreadPoolExecutor(AT_A_TIME, "fetch")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._named: frozenset[Path] = frozenset()
        self.missing: dict[str, str] = {}
        self.changed: Callable[[Missing], None] = lambda _: None

    def local(self, plan: ServingPlan) -> ServingPlan:
        """The plan as this machine sees it: paths instead of URLs. Fetches what is missing from now on.

        What the plan before named is kept as well: some endpoint may still answer with it.
        """
        urls = {slot.bundle for slot in plan.slots if "://" in slot.bundle}
        paths = {url: self._path(url) for url in urls}
        named = frozenset(Path(path) for path in paths.values())
        self._named, keep = named, named | self._named
        for url, path in paths.items():
            if url not in self._tasks:
                self.missing[path] = ""
                self._tasks[url] = asyncio.create_task(self._bring(url, path))
        for url in [url for url in self._tasks if url not in urls]:
            self._tasks.pop(url).cancel()
        self.missing = {path: why for path, why in self.missing.items() if path in paths.values()}
        self.changed(self.missing)
        self._threads.submit(self._shelf.tidy, keep)
        return msgspec.structs.replace(plan, slots=tuple(_local(slot, paths) for slot in plan.slots))

    def _path(self, url: str) -> str:
        try:
            return str(self._shelf.path(url))
        except ModelportError:
            return url  # named as it is: the slot fails alone, saying why

    async def _bring(self, url: str, path: str) -> None:
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, random)
        while reason := await self._tried(url):
            note("bundle not fetched", logging.ERROR, bundle=Path(path).name, reason=reason)
            self._say(path, reason)
            await asyncio.sleep(backoff.pause())
        note("bundle fetched", bundle=Path(path).name)
        self.missing.pop(path, None)
        self.changed(self.missing)

    async def _tried(self, url: str) -> str:
        """Empty when the bundle is here; else why it is not."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._shelf.stock, url)
        except ModelportError as error:
            return error.message
        except OSError as error:
            return error.strerror or type(error).__name__
        return ""

    def _say(self, path: str, reason: str) -> None:
        self.missing[path] = reason
        self.changed(self.missing)


def _local(slot: SlotSpec, paths: Mapping[str, str]) -> SlotSpec:
    return msgspec.structs.replace(slot, bundle=paths.get(slot.bundle, slot.bundle))
