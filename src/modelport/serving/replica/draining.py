"""How a worker takes leave of its callers: nobody is cut off, and nobody is kept waiting for."""

from __future__ import annotations

import asyncio
from time import monotonic

from modelport.serving.http.front import Front
from modelport.serving.overload.door import Door
from modelport.serving.replica.messages import Drain

_TURN = 0.05
"""Seconds in which a turn of the loop takes everything that waits in the accept queue."""
_SHAKING = 1.0
"""Seconds past the grace for who is still in a TLS handshake."""


async def drained(message: Drain, door: Door, front: Front) -> None:
    """Accept for `delay` seconds more, close the door, and finish what was accepted, within `seconds`."""
    ends = monotonic() + message.delay + message.seconds
    await asyncio.sleep(message.delay)
    await asyncio.sleep(_TURN)
    front.closing = True
    door.close()
    grace = monotonic() + message.grace
    while _serving_still(front, grace) and monotonic() < ends:
        for connection in list(front.connections):
            if not connection.idle or monotonic() >= grace:
                connection.finish()
        await asyncio.sleep(0.01)


def _serving_still(front: Front, grace: float) -> bool:
    """Whether somebody waits for something; who has not shaken hands by now waits for himself."""
    return bool(front.connections or (front.handshakes and monotonic() < grace + _SHAKING))
