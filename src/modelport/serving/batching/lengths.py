"""The rows of one slot that wait to be computed, by length and in order of arrival, bounded in number."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from modelport.serving.call import Call
from modelport.serving.execution.stages import Piece


class LengthBacklog:
    """Owned by the event loop. A call takes up room from its arrival until its last row has left.

    A call takes up at most half of the room, so that one large request is neither refused for its size nor
    shuts everybody else out (as `backlog.Backlog`).

    Args:
        room: most rows that may wait.

    Attributes:
        rows: rows that wait, or are being prepared.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._most = max(1, room // 2)
        self._held = 0
        self._left: dict[Call, int] = {}
        self._pieces: dict[int, deque[tuple[int, Piece]]] = {}
        self._arrived = 0
        self.rows = 0

    def __len__(self) -> int:
        return len(self._left)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._left)

    def admit(self, call: Call) -> bool:
        """Keep room for a call that is about to be prepared; False when there is none."""
        share = min(call.rows, self._most)
        if self._held + share > self._room:
            return False
        self._held += share
        self._left[call] = call.rows
        self.rows += call.rows
        return True

    def add(self, call: Call, pieces: Sequence[Piece]) -> None:
        """The rows of an admitted call, at least one; those that could not be prepared leave."""
        self.rows -= call.rows - len(pieces)
        self._left[call] = len(pieces)
        for piece in pieces:
            self._arrived += 1
            self._pieces.setdefault(piece.length, deque()).append((self._arrived, piece))

    def leave(self, call: Call) -> None:
        """An admitted call goes before it was added."""
        self.rows -= self._left[call]
        self._forget(call)

    def first(self) -> int | None:
        """The length of the row that waits longest."""
        return min(self._pieces, key=lambda length: self._pieces[length][0][0], default=None)

    def counts(self) -> Mapping[int, int]:
        """How many rows of each length wait."""
        return {length: len(pieces) for length, pieces in self._pieces.items()}

    def pop(self, length: int, count: int) -> list[Piece]:
        """The first `count` rows of a length."""
        waiting = self._pieces[length]
        taken = [waiting.popleft()[1] for _ in range(count)]
        if not waiting:
            del self._pieces[length]
        for piece in taken:
            self._went(piece.of.call)
        return taken

    def _went(self, call: Call) -> None:
        self.rows -= 1
        self._left[call] -= 1
        if not self._left[call]:
            self._forget(call)

    def _forget(self, call: Call) -> None:
        del self._left[call]
        self._held -= min(call.rows, self._most)
