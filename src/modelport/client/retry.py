"""When to ask again: a budget, a back-off, and one pure decision.

Retries multiply the load of a server that is already in trouble. The budget bounds that over all calls of a
client: every request earns a tenth of a token and every retry costs a whole one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

_UNIT = 1000  # whole numbers: a budget must not drift by rounding


@dataclass(frozen=True, slots=True)
class Retries:
    """How much a client may repeat itself.

    Attributes:
        attempts: most times one call is sent, the first included; 1 never retries.
        share: extra requests allowed per request, over the life of the client.
        reserve: retries allowed before any request has earned one, so that a short script has some.
        capacity: most retries that can be saved up.
        base, cap: the n-th back-off is drawn evenly from 0 to min(cap, base * 2**(n - 1)) seconds.
    """

    attempts: int = 3
    share: float = 0.1
    reserve: int = 3
    capacity: int = 10
    base: float = 0.05
    cap: float = 2.0


NEVER = Retries(attempts=1)
"""No retries at all."""


class Budget:
    """A token bucket: retries <= reserve + share * requests, always. Thread-safe."""

    def __init__(self, retries: Retries) -> None:
        self._earned = round(retries.share * _UNIT)
        self._full = max(retries.capacity, retries.reserve) * _UNIT
        self._tokens = retries.reserve * _UNIT
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A first attempt is about to be sent."""
        with self._lock:
            self._tokens = min(self._full, self._tokens + self._earned)

    def spend(self) -> bool:
        """Take the price of one retry; False when there is not enough."""
        with self._lock:
            if self._tokens < _UNIT:
                return False
            self._tokens -= _UNIT
            return True


def back_off(retries: Retries, attempt: int, asked: float | None, uniform: Callable[[], float]) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1).

    Full jitter, on top of what the server `asked` for: callers told the same second do not all return in it.
    `uniform` draws from [0, 1).
    """
    ceiling = min(retries.cap, retries.base * 2.0 ** min(attempt - 1, 60))
    return (asked or 0.0) + ceiling * uniform()
