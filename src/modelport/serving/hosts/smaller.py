"""Calls that are asked once more because their batch took too much memory: in half of it, then alone."""

from __future__ import annotations

from modelport.serving.call import Call


class Smaller:
    """What is remembered of the calls of one slot in one worker."""

    def __init__(self) -> None:
        self._most: dict[Call, int] = {}

    def most(self, call: Call) -> int:
        """Calls that may share its batch; 0 for as many as there are."""
        return self._most.get(call, 0)

    def again(self, call: Call, together: int) -> bool:
        """Whether a call is to be asked again, whose batch of `together` calls took too much.

        No call is asked more than three times, and one that was alone never again: it is that one.
        """
        if together <= 1:
            return False
        self._most[call] = 1 if call in self._most else together // 2
        return True

    def forget(self, call: Call) -> None:
        """It has its answer."""
        self._most.pop(call, None)
