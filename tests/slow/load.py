"""Open-loop load over the SDK: requests leave when they are due, whatever became of those before."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import httpx

from modelport.client import NEVER, AsyncClient
from modelport.core.plan import Revision
from modelport.errors import ModelportError

Row = Callable[[int], list[float]]
"""The item of the n-th request."""


class Seen(NamedTuple):
    """One request: when it left and came back (seconds since the epoch), and what its answer said.

    `status` is 0 where no answer came; `versions` and `revisions` are all that its headers name.
    """

    sent: float
    done: float
    status: int
    versions: tuple[str, ...]
    revisions: tuple[str, ...]

    @property
    def version(self) -> int | None:
        """The one version that answered; None for an answer that names none."""
        return int(self.versions[0].rpartition(":")[2]) if len(self.versions) == 1 else None

    @property
    def revision(self) -> Revision:
        """The plan that it was answered with."""
        epoch, number = self.revisions[0].split("-")
        return Revision(int(epoch), int(number))


class Load:
    """What was sent so far, in the order of answers."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._over = threading.Event()

    @property
    def failed(self) -> Counter[int]:
        """Requests that were not answered with 200, by status."""
        return Counter(each.status for each in self.seen if each.status != 200)

    def versions(self, since: float = 0.0) -> Counter[int | None]:
        """Who answered requests that left since then."""
        return Counter(each.version for each in self.seen if each.sent >= since)

    def stop(self) -> None:
        """Send no more."""
        self._over.set()

    async def send(self, url: str, model: str, rate: float, row: Row) -> None:
        """`rate` requests a second until `stop`; those under way are waited for."""
        async with AsyncClient(url, retries=NEVER, transport=_Noting(self.seen)) as client:
            began, number, tasks = time.monotonic(), 0, set()
            while not self._over.is_set():
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                task = asyncio.create_task(_one(client, model, row(number)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1
            await asyncio.gather(*tasks)


class _Noting(httpx.AsyncHTTPTransport):
    """Notes what comes back, and what does not."""

    def __init__(self, seen: list[Seen]) -> None:
        super().__init__(limits=httpx.Limits(max_connections=200, max_keepalive_connections=200))
        self._seen = seen

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent, response = time.time(), None
        try:
            response = await super().handle_async_request(request)
            return response
        finally:
            self._seen.append(_noted(sent, response))


def _noted(sent: float, response: httpx.Response | None) -> Seen:
    if response is None:
        return Seen(sent, time.time(), 0, (), ())
    versions = response.headers.get_list("x-modelport-version")
    revisions = response.headers.get_list("x-modelport-revision")
    return Seen(sent, time.time(), response.status_code, tuple(versions), tuple(revisions))


async def _one(client: AsyncClient, model: str, row: Sequence[float]) -> None:
    with suppress(ModelportError):  # it is noted
        await client.predict(model, [*row])


@contextmanager
def load(url: str, model: str, rate: float, row: Row) -> Iterator[Load]:
    """Load for as long as the block runs."""
    sending = Load()
    thread = threading.Thread(target=lambda: asyncio.run(sending.send(url, model, rate, row)), daemon=True)
    thread.start()
    try:
        yield sending
    finally:
        sending.stop()
        thread.join(60)
