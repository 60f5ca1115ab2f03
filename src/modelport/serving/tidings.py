"""What a worker tells its supervisor beside what it counts: about once a second, when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from modelport.serving.hosts.dispatcher import HostDispatcher
from modelport.serving.manager import Manager
from modelport.serving.replica.messages import Told, Upward
from modelport.serving.scaling.scaler import Scaler
from modelport.serving.shadow.shadows import Shadows
from modelport.serving.table import LiveSlot
from modelport.serving.troubles import Troubles

_EVERY = 1.0


class Tidings:
    """Of one worker. Owned by the event loop; call `tell` once."""

    def __init__(
        self,
        troubles: Troubles,
        manager: Manager,
        scaler: Scaler,
        shadows: Shadows,
        *,
        send: Callable[[Upward], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._troubles = troubles
        self._manager = manager
        self._scaler = scaler
        self._shadows = shadows
        self._send = send
        self._loop = loop
        self._last = Told()

    def tell(self) -> None:
        """Now, and from now on."""
        limits = {slot.spec.id: limit for slot in self._manager.live if (limit := self._limit(slot))}
        told = Told(self._troubles.last(), limits, self._shadows.seen())
        if told != self._last:
            self._send(told)
        self._last = told
        self._loop.call_later(_EVERY, self.tell)

    def _limit(self, slot: LiveSlot) -> str:
        """What keeps a slot from more instances than it has; empty when nothing does."""
        if isinstance(slot.dispatcher, HostDispatcher):
            return slot.dispatcher.standing.hosting.limit
        return self._scaler.limit(slot.spec.id)
