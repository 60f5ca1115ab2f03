"""Steady traffic of good requests, and what became of each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.acceptance.rawclient import Answer, NoAnswer, Raw

Judge = Callable[[Answer], str]
"""Names what an answer was; "ok" is what was hoped for."""


class Traffic:
    """Counts of outcomes: "ok", what the judge said, `lost` (sent, no answer), `refused` (no connection)."""

    def __init__(self, *, leave: bool = False) -> None:
        self._leave = leave
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    @property
    def failed(self) -> int:
        """Requests that were sent and not answered as hoped."""
        return self.total - self.counts["ok"]

    @property
    def total(self) -> int:
        """Requests that were sent."""
        return sum(self.counts.values()) - self.counts["refused"]

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()

    def note(self, outcome: str) -> None:
        """Count one outcome."""
        with self._lock:
            self.counts[outcome] += 1

    def _stop_if_asked_to(self) -> None:
        if self._leave:
            self.stop()

    def run(self, url: str, request: bytes, judge: Judge, pause: float) -> None:
        """One client on a keep-alive connection, until told to stop or nobody listens."""
        while not self._stop.is_set():
            try:
                with Raw(url, timeout=30.0) as raw:
                    self._converse(raw, request, judge, pause)
            except NoAnswer:
                self.note("lost")
            except OSError:
                self.note("refused")
                time.sleep(pause)

    def _converse(self, raw: Raw, request: bytes, judge: Judge, pause: float) -> None:
        while not self._stop.is_set() and not raw.gone():
            answer = raw.ask(request)
            self.note(judge(answer))
            if answer.headers.get("connection") == "close":
                self._stop_if_asked_to()
                return
            self._stop.wait(pause)


@contextmanager
def traffic(
    url: str,
    requests: Sequence[bytes],
    judge: Judge,
    *,
    rate: float,
    clients: int = 4,
    leave: bool = False,
) -> Iterator[Traffic]:
    """About `rate` requests per second over `clients` connections for as long as the block runs.

    With `leave` all clients go as soon as one is told that its connection closes, as a balancer does when a
    replica is no longer ready.
    """
    known = Traffic(leave=leave)
    threads = [
        threading.Thread(
            target=known.run, args=(url, requests[at % len(requests)], judge, clients / rate), daemon=True
        )
        for at in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield known
    finally:
        known.stop()
        for thread in threads:
            thread.join(30)
