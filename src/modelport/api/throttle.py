"""How often: a key's own rate, and how many wrong keys one address may try."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from modelport.core.access import Rate

WRONG = Rate(20, 10)
"""Wrong keys of one address before they are no longer looked up."""
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether one more is admitted.

    Attributes:
        remaining: how many more would be, in this window.
        reset: seconds until it ends.
    """

    ok: bool
    remaining: int
    reset: float


class Throttle:
    """Counts in windows that begin at multiples of their length. Thread-safe; forgets the longest unseen."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: OrderedDict[tuple[str, str, Rate], tuple[int, int]] = OrderedDict()

    def admit(self, kind: str, who: str, rate: Rate, now: float) -> Admission:
        """Count one of a kind for somebody; `now` is in monotonic seconds."""
        with self._lock:
            used = min(self._used((kind, who, rate), now) + 1, rate.quota + 1)
            self._keep((kind, who, rate), int(now // rate.window), used)
        return _admission(used, rate, now)

    def full(self, kind: str, who: str, rate: Rate, now: float) -> bool:
        """Whether no more would be admitted; counts nothing."""
        with self._lock:
            return self._used((kind, who, rate), now) >= rate.quota

    def _used(self, place: tuple[str, str, Rate], now: float) -> int:
        window, count = self._counts.get(place, (-1, 0))
        return count if window == int(now // place[2].window) else 0

    def _keep(self, place: tuple[str, str, Rate], window: int, count: int) -> None:
        self._counts[place] = (window, count)
        self._counts.move_to_end(place)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)


def _admission(used: int, rate: Rate, now: float) -> Admission:
    reset = rate.window - now % rate.window
    return Admission(used <= rate.quota, max(0, rate.quota - used), reset)


def fields(rate: Rate, admission: Admission) -> dict[str, str]:
    """The fields that tell a caller where he stands (IETF draft-ietf-httpapi-ratelimit-headers-10)."""
    return {
        "RateLimit-Policy": f'"key";q={rate.quota};w={rate.window}',
        "RateLimit": f'"key";r={admission.remaining};t={max(1, round(admission.reset))}',
    }
