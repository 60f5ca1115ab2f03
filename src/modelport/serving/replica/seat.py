"""A place where a worker answers."""

from __future__ import annotations

import socket
from time import monotonic

from modelport.serving.replica import health
from modelport.serving.replica.workers import Worker


class Seat:
    """A listening socket, and who answers on it."""

    def __init__(self, listen: socket.socket, row: int) -> None:
        self.listen = listen
        self.address = listen.getsockname()[:2]
        self.row = row
        self.worker: Worker | None = None
        self.deaths: list[float] = []
        self.started = False
        self.looping = False

    def died(self) -> None:
        """Remember this for the pace of the next starts."""
        self.deaths = health.remember(self.deaths, monotonic())
