"""Prediction ids: 26 characters that sort by time, as ULID does (github.com/ulid/spec).

The first ten characters are milliseconds in Crockford's base 32; the other sixteen are hexadecimal, which
is a subset of that alphabet: 32 random bits of the worker's incarnation, then a 32-bit counter.
"""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class PredictionIds:
    """Makes ids for one worker incarnation. Not thread-safe: owned by the event loop.

    `entropy` is 32 random bits drawn once by the composition root.
    """

    __slots__ = ("_count", "_entropy", "_millis", "_prefix", "_second")

    def __init__(self, entropy: int) -> None:
        self._entropy = f"{entropy & 0xFFFFFFFF:08X}"
        self._count = 0
        self._millis = -1
        self._prefix = ""
        self._second = (-1, "")

    def next(self, millis: int) -> str:
        """The next id; `millis` is the wall clock in milliseconds since the epoch."""
        if millis != self._millis:
            self._millis = millis
            self._prefix = self._time(millis) + self._entropy
        self._count = count = (self._count + 1) & 0xFFFFFFFF
        return f"{self._prefix}{count:08X}"

    def _time(self, millis: int) -> str:
        """Ten characters, of which the first eight stay for a second: most milliseconds bring a new id."""
        high, low = millis >> 10, millis & 1023
        if self._second[0] != high:
            self._second = (high, crockford(high, 8))
        return self._second[1] + _PAIRS[low]


def crockford(number: int, width: int) -> str:
    """`number` in Crockford's base 32, zero padded to `width` characters; excess high bits are dropped."""
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(width)))


_PAIRS = tuple(crockford(number, 2) for number in range(1024))
