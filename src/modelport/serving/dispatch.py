"""The seam between the engine and whatever gets a slot's calls answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from modelport.serving.call import Call


class Dispatcher(Protocol):
    """Answers the calls of one slot in one worker: batched here, in a model host, or after a load.

    Owned by the event loop.

    Attributes:
        when_idle: called each time nothing waits and nothing runs any more.
        instances: batches that may run at a time; may be set at any time.
    """

    when_idle: Callable[[], None] | None
    instances: int

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        ...

    @property
    def unready(self) -> str:
        """Why a call would be refused now, whatever is in it; empty when it would not."""
        ...

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        ...

    def wait(self) -> float:
        """Seconds until they are all taken, predicted from measured cost; infinite while nothing is known."""
        ...

    def submit(self, call: Call) -> None:
        """Take a call, to be answered once on the event loop; raises `Overloaded` when there is no room."""
        ...

    def sweep(self, now: float) -> None:
        """Answer 504 to every call whose deadline or time-out has passed; `now` is monotonic."""
        ...

    def close(self) -> None:
        """Give up what it holds: nothing waits or runs, and no call comes any more."""
        ...
