"""A loop in a thread of its own that sleeps until it is woken, or until it is time."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Loop:
    """Takes steps from `start` to `stop`; everything else may be called from any thread.

    Args:
        name: of the thread.
        step: one step; it raises nothing.
        tick: the longest sleep, in seconds.
        pause: the shortest time from one step to the next, in seconds: what wakes it meanwhile is one step's.
    """

    def __init__(self, name: str, step: Callable[[], None], *, tick: float, pause: float = 0.0) -> None:
        self._step = step
        self._tick = tick
        self._pause = pause
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Take a step soon: something changed."""
        self._woken.set()

    def stop(self) -> None:
        """End after the step under way."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(self._tick)
            self._woken.clear()
            if not self._stopped.is_set():
                self._step()
            self._stopped.wait(self._pause)
