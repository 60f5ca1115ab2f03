"""Rate limits of keys that hold over all workers of a replica.

A sliding-window counter: what was admitted in the present window, and the share of the window before that a
window ending now would still cover. Each worker counts in its own row and reads all rows. A request is
counted before the sum is read and taken back when it is too much, so workers that race may refuse one too
many, never admit one too many. Times are seconds of one clock that all workers share (monotonic).
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

from modelport.core.access import Rate
from modelport.serving.shared import CURRENT, PREVIOUS, WINDOW, Segment

POLICY_FIELD = "RateLimit-Policy"
STATE_FIELD = "RateLimit"
RETRY_FIELD = "Retry-After"


class Admission(NamedTuple):
    """The limiter's answer.

    Attributes:
        ok: whether the request may go on; it is counted then.
        remaining: how many more would be admitted now.
        reset_seconds: until the present window ends.
        retry_after: seconds until one more is admitted if no other request comes; 0 when `ok`.
    """

    ok: bool
    remaining: int
    reset_seconds: float
    retry_after: float


class Usage(NamedTuple):
    """What a key was admitted: in the present window, and in the one before."""

    current: int
    previous: int


class Limiter:
    """Decides for one worker.

    In an aligned window at most `quota` requests are admitted, in any span of n windows at most n + 1 quotas.
    So fewer than twice the quota fall into a window that begins anywhere: the counter takes the window before
    as evenly used, and a caller who used all of it in its last moment gets a little more, as the present one
    passes, than was due. Several workers and races between them never add to that.
    """

    def __init__(self, segment: Segment, worker: int) -> None:
        self._segment = segment
        self._cells = segment.cells
        self._worker = worker

    def admit(self, key_place: int, rate: Rate, now: float) -> Admission:
        """Admit and count one request of the key whose cells are at `key_place`, or refuse it."""
        own = self._segment.key(self._worker, key_place)
        window = self._roll(own, floor(now / rate.window))
        elapsed = min(1.0, max(0.0, now / rate.window - window))
        self._cells[own + CURRENT] += 1
        usage = self._usage(key_place, window)
        ok = fits(usage, rate.quota, elapsed)
        if not ok:
            self._cells[own + CURRENT] -= 1
            usage = usage._replace(current=usage.current - 1)
        return admission(usage, rate, elapsed, ok=ok)

    def _roll(self, own: int, window: int) -> int:
        """Bring this worker's cells to `window` and return it, or the next one where they are there already.

        PREVIOUS is set before WINDOW, CURRENT after it: who reads in between counts too much, not too little.
        """
        cells = self._cells
        behind = window - cells[own + WINDOW]
        if behind in {0, -1}:
            return cells[own + WINDOW]
        cells[own + PREVIOUS] = cells[own + CURRENT] if behind == 1 else 0
        cells[own + WINDOW] = window
        cells[own + CURRENT] = 0
        return window

    def _usage(self, key_place: int, window: int) -> Usage:
        current = previous = 0
        for worker in range(self._segment.workers):
            one = self._read(self._segment.key(worker, key_place), window)
            current += one.current
            previous += one.previous
        return Usage(current, previous)

    def _read(self, row: int, window: int) -> Usage:
        """One worker's part, read again when it rolled on meanwhile."""
        cells = self._cells
        while True:
            seen, current, previous = cells[row + WINDOW], cells[row + CURRENT], cells[row + PREVIOUS]
            if cells[row + WINDOW] == seen:
                return _as_of(window, seen, Usage(current, previous))


def fits(usage: Usage, quota: int, elapsed: float) -> bool:
    """Whether usage, with the request in question counted, is within the quota.

    `elapsed` is the part of the present window that has passed, 0 to 1.
    """
    return usage.current + usage.previous * (1 - elapsed) <= quota


def admission(usage: Usage, rate: Rate, elapsed: float, *, ok: bool) -> Admission:
    """What to tell the caller, from usage without refused requests."""
    left = rate.quota - usage.current - usage.previous * (1 - elapsed)
    retry = 0.0 if ok else wait(usage, rate.quota, elapsed) * rate.window
    return Admission(ok, max(0, floor(left)), (1 - elapsed) * rate.window, retry)


def wait(usage: Usage, quota: int, elapsed: float) -> float:
    """Windows to wait until one more request fits, if no other is admitted meanwhile."""
    if usage.current < quota:
        return max(0.0, _free_from(usage.current, usage.previous, quota) - elapsed)
    return 1 - elapsed + _free_from(0, usage.current, quota)


def policy_field(rate: Rate, name: str = "key") -> str:
    """Value of `RateLimit-Policy`: the quota, and its window in seconds."""
    return f'"{name}";q={rate.quota};w={rate.window}'


def state_field(admission: Admission, name: str = "key") -> str:
    """Value of `RateLimit`: what remains, and the seconds until the window ends, rounded up."""
    return f'"{name}";r={admission.remaining};t={ceil(admission.reset_seconds)}'


def retry_field(seconds: float) -> str:
    """Value of `Retry-After`: whole seconds, at least one."""
    return str(max(1, ceil(seconds)))


def _free_from(current: int, previous: int, quota: int) -> float:
    """The part of a window after which one more request fits into it."""
    room = quota - current - 1
    return 0.0 if previous <= room else 1 - room / previous


def _as_of(window: int, seen: int, cells: Usage) -> Usage:
    """Cells of a worker that stands at window `seen`, as they count for `window`."""
    if seen == window:
        return cells
    if seen == window - 1:
        return Usage(0, cells.current)
    if seen == window + 1:
        return Usage(cells.previous, 0)
    return Usage(0, 0)
