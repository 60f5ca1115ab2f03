"""What a worker knows of model hosts: which of its slots are hosted, and who wants to hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from modelport.core.plan import SlotSpec
from modelport.errors import ModelFailed
from modelport.serving.hosts.key import key_of
from modelport.serving.replica.messages import Hosting, Upward, Wanted

Listener = Callable[[Hosting], None]


class Doors:
    """Owned by the event loop of one worker.

    Args:
        tell: says something to the supervisor.
    """

    def __init__(self, tell: Callable[[Upward], None]) -> None:
        self._tell = tell
        self._listeners: dict[str, list[Listener]] = {}

    async def ready(self, spec: SlotSpec, listener: Listener) -> Callable[[], None]:
        """Wait until a slot has a host; `listener` is told of it, and of all that changes from then on.

        Returns what ends that. Raises `ModelFailed` when the slot cannot be hosted.
        """
        key = key_of(spec)
        first: asyncio.Future[Hosting] = asyncio.get_running_loop().create_future()
        leave = self._listen(key, lambda hosting: _settle(first, hosting))
        stay = self._listen(key, listener)
        self._tell(Wanted(spec))
        try:
            hosting = await first
        except asyncio.CancelledError:
            stay()
            raise
        finally:
            leave()
        if hosting.state != "ready":
            stay()
            raise ModelFailed(hosting.reason or "no plan wants it any more", code="host-failed")
        return stay

    def heard(self, hosting: Hosting) -> None:
        """The supervisor says how a slot is hosted."""
        for listener in tuple(self._listeners.get(hosting.key, ())):
            listener(hosting)

    def _listen(self, key: str, listener: Listener) -> Callable[[], None]:
        listeners = self._listeners.setdefault(key, [])
        listeners.append(listener)

        def leave() -> None:
            if listener in listeners:
                listeners.remove(listener)
            if not listeners and self._listeners.get(key) is listeners:
                del self._listeners[key]

        return leave


def _settle(first: asyncio.Future[Hosting], hosting: Hosting) -> None:
    if hosting.state in {"ready", "failed", "gone"} and not first.done():
        first.set_result(hosting)
