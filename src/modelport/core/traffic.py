"""Which arm of a route answers: exact shares, the same for a key on every worker, replica and restart."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

from modelport.core.plan import BASIS_POINTS, Share


def draw(key: str, endpoint: str, salt: str) -> int:
    """A number below 2^64 that is always the same for these three.

    A keyless, platform-independent hash of (key, endpoint, salt): endpoints and experiments with different
    salts place the same user independently.
    """
    digest = blake2b(
        f"{endpoint}\x00{salt}\x00{key}".encode("utf-8", "surrogateescape"), digest_size=8
    ).digest()
    return int.from_bytes(digest, "big")


def point(key: str, endpoint: str, salt: str) -> int:
    """Where a key falls on the line of 10,000 basis points."""
    return draw(key, endpoint, salt) * BASIS_POINTS >> 64


class Splitter:
    """Picks an arm by basis point; arm `i` owns exactly `weight[i]` of the 10,000 points."""

    __slots__ = ("_bounds",)

    def __init__(self, shares: Sequence[Share]) -> None:
        self._bounds = list(accumulate(share.weight for share in shares))

    def arm(self, at: int) -> int:
        """Index of the share that owns basis point `at` (0 <= at < 10,000)."""
        return bisect_right(self._bounds, at)
