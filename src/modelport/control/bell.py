"""Tells whoever listens that something changed: long polls, live views, the reconciler."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Bell:
    """Rings in the thread of whoever rings it; listeners only pass it on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[], None]] = {}

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard`, which must not block or raise, on every ring; the answer ends that."""
        token = object()
        with self._lock:
            self._listeners[token] = heard
        return lambda: self._leave(token)

    def ring(self) -> None:
        """Tell all who listen."""
        with self._lock:
            listeners = list(self._listeners.values())
        for heard in listeners:
            heard()

    def _leave(self, token: object) -> None:
        with self._lock:
            self._listeners.pop(token, None)
