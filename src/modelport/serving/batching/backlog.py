"""The calls of one slot that wait, in order of arrival and bounded in rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from modelport.errors import Overloaded
from modelport.serving.call import Call


class Backlog:
    """Owned by the event loop.

    A call takes up at most half of the room, so that one large request is neither refused for its size nor
    shuts everybody else out.

    Args:
        room: most rows that may wait.

    Attributes:
        rows: rows that wait, a large request counted in full.
    """

    __slots__ = ("_calls", "_held", "_most", "_room", "rows")

    def __init__(self, room: int) -> None:
        self._calls: deque[Call] = deque()
        self._room = room
        self._most = max(1, room // 2)
        self._held = 0
        self.rows = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def add(self, call: Call) -> bool:
        """Let a call wait; False when there is no room."""
        share = min(call.rows, self._most)
        if self._held + share > self._room:
            return False
        self._held += share
        self.rows += call.rows
        self._calls.append(call)
        return True

    def next_rows(self) -> int:
        """Rows of the call that waits longest."""
        return self._calls[0].rows

    def pop(self) -> Call:
        """The call that waits longest."""
        call = self._calls.popleft()
        self._held -= min(call.rows, self._most)
        self.rows -= call.rows
        return call


def no_room(call: Call, waiting: int, room: int, seconds: float) -> Overloaded:
    """The refusal of a call that does not fit; `seconds` is what the waiting rows are predicted to take."""
    return Overloaded(
        f"{waiting} rows wait already and {call.rows} more do not fit into {room}",
        code="queue-full",
        retry_after=min(30.0, max(0.1, seconds)) if seconds != float("inf") else 1.0,
        hint="retry after the given time, send smaller requests, or add workers",
    )
