"""How it stands with the hosts of a slot, as one worker knows it, and what a call is told of that."""

from __future__ import annotations

from time import monotonic
from typing import Any

from modelport.errors import DeadlineExceeded, ModelFailed, ModelportError, Overloaded
from modelport.serving.hosts import board as cells
from modelport.serving.hosts.board import Board
from modelport.serving.replica.messages import Hosting

_NONE_COMES = frozenset({"crash-loop", "failed", "gone"})


class Standing:
    """Of the slot `name`.

    Attributes:
        hosting: what the supervisor said last.
    """

    def __init__(self, name: str, board: Board) -> None:
        self._name = name
        self._board = board
        self._again = 0.0
        self.hosting = Hosting("", "starting")

    @property
    def hopeless(self) -> bool:
        """Whether no host is about to come."""
        return self.hosting.state in _NONE_COMES

    def heard(self, hosting: Hosting) -> None:
        """The supervisor says how the slot is hosted from now on."""
        self.hosting = hosting
        self._again = monotonic() + hosting.retry_after

    def cells(self) -> dict[int, int]:
        """How its hosts fare, by cell of the board: `PID` counts those that take calls."""
        tallies, doors = self.hosting.tallies, self.hosting.doors
        counted = {cell: sum(self._board.get(row, cell) for row in tallies) for cell in cells.COUNTED}
        resident = sum(self._board.get(door.row, cells.RESIDENT) for door in doors)
        return counted | {cells.PID: len(doors), cells.RESIDENT: resident}

    def describe(self) -> dict[str, Any]:
        """What `/debug/plan` says of it."""
        known = self.cells()
        told: dict[str, Any] = {
            "host": self.hosting.state,
            "instances": known[cells.PID],
            "restarts": known[cells.RESTARTS],
            "bytes": known[cells.RESIDENT],
        }
        more = {"reason": self.hosting.reason, "limited_by": self.hosting.limit}
        return told | {name: text for name, text in more.items() if text}

    def refusal(self) -> Overloaded:
        """What a call gets while no host is about to come."""
        return Overloaded(
            f"the model {self._name} does not run: {self.hosting.reason}",
            code="crash-loop",
            retry_after=max(0.1, self._again - monotonic()),
            hint="it is started again after the given time; the server's log tells more",
        )

    def doom(self, row: int) -> int:
        """Why the host of a row was ended."""
        return self._board.get(row, cells.DOOM)


def loss(doom: int) -> ModelportError:
    """What a call gets whose host ended running it."""
    if doom in {cells.HANGS, cells.STALLS}:
        msg = "the model did not answer in the time that one batch may take, and was ended"
        return DeadlineExceeded(
            msg, code="model-hung", hint="raise --host-call-seconds if it may take longer"
        )
    if doom == cells.GROWS:
        msg = "the model took more memory than it may, and was ended"
        return Overloaded(msg, code="model-memory", hint="send fewer rows at a time, or raise --host-memory")
    msg = "the process of the model ended while it computed this request"
    return ModelFailed(msg, code="model-crashed", hint="the server's log tells how it ended")
