"""Who may wait: refuse at once whom the queue cannot serve in time, instead of letting everybody be late.

Without a limit in time a queue under lasting overload stays full, and every answer is as old as the queue is
long. A burst is another thing: it may wait. So callers are refused when a queue has stood above its target
for a while, and only as many as it takes to keep the rest at the target (Nichols and Jacobson, "Controlling
Queue Delay", ACM Queue 10(5), 2012; applied to servers by Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from modelport.errors import Overloaded
from modelport.serving.call import NEVER, Call

GRACE = 0.5
"""Seconds that a queue may stand above its target before anybody of priority `interactive` is refused."""
BURST = 2.0
"""Times the target that a queue may be long meanwhile: a flood must not fill it in half a second."""
CALM = 0.5
"""Share of the target below which a queue has stopped standing, so that the next burst may wait again."""
SHARES = (1.0, 0.5, 0.25)
"""Of the target that a call may wait, and of the few that always may: interactive, batch, shadow."""
FEW = 32
"""Rows that may wait whatever it takes: so few callers know how long they are prepared to wait."""


class Queue(Protocol):
    """What is asked of a dispatcher."""

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        ...

    def wait(self) -> float:
        """Seconds that they are predicted to take; infinite while nothing is known."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long calls of one slot may wait.

    Attributes:
        target: seconds that they should wait at most, where the queue stands.
        timeout: seconds that a call without a deadline lives.
        few: rows that may wait in any case.
    """

    target: float = 1.0
    timeout: float = 30.0
    few: int = FEW


class Admission:
    """Decides for one slot of a worker. Owned by the event loop."""

    __slots__ = ("_above", "_patience")

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._above = NEVER  # since when the queue has stood above its target

    def check(self, call: Call, queue: Queue, now: float) -> None:
        """Let a call join the queue, or raise `Overloaded`; `now` is monotonic."""
        rows = queue.waiting
        few = rows <= self._patience.few * SHARES[call.priority]
        if few:
            self._above = NEVER
            if not rows or call.deadline is NEVER:
                return
        seconds = queue.wait()
        if seconds == NEVER:
            return
        self._check_deadline(call, seconds, now)
        if not few:
            self._check_target(call, seconds, now)

    def _check_deadline(self, call: Call, seconds: float, now: float) -> None:
        left = min(call.deadline, call.received + self._patience.timeout) - now
        if seconds > left:
            msg = f"the wait is {seconds:.3g} s by now, and the deadline is in {max(0.0, left):.3g} s"
            raise _refused(msg, "deadline-unreachable", seconds - left)

    def _check_target(self, call: Call, seconds: float, now: float) -> None:
        target = self._patience.target
        if seconds <= target * CALM:
            self._above = NEVER
        elif self._above == NEVER and seconds > target:
            self._above = now
        if seconds <= target * SHARES[call.priority]:
            return
        if call.priority or seconds > target * BURST or now - self._above >= GRACE:
            msg = f"callers wait {seconds:.3g} s by now, which is longer than they should"
            raise _refused(msg, "queue-too-long", seconds - target)


def _refused(message: str, code: str, seconds: float) -> Overloaded:
    return Overloaded(
        message,
        code=code,
        retry_after=min(30.0, max(0.1, seconds)),
        hint="retry after the given time; more instances, workers or replicas answer more",
    )
