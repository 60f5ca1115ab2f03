"""How long to wait before something that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Exponential, with full jitter: drawn evenly from nothing to a bound that doubles up to `longest`.

    So that many who lost the same server do not come back together (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015).

    Args:
        first, longest: the first bound and the last, in seconds.
        random: draws from 0 to 1.
    """

    def __init__(self, first: float, longest: float, random: Callable[[], float]) -> None:
        self._first = first
        self._longest = longest
        self._random = random
        self._failures = 0

    def pause(self) -> float:
        """Seconds to wait after one more failure."""
        bound = min(self._longest, self._first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return bound * self._random()

    def worked(self) -> None:
        """It works again: the next failure is the first."""
        self._failures = 0
