"""What the API counts about itself, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from threading import Lock


class Counters:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: dict[tuple[str, int], int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """A request was answered; long polls and live views tell no time."""
        with self._lock:
            self._requests[operation, status] += 1
            self._seconds[operation] += seconds

    def exposition(self, waiting: int) -> bytes:
        """All of it; `waiting` callers are held in long polls."""
        with self._lock:
            requests, seconds = sorted(self._requests.items()), sorted(self._seconds.items())
        return "\n".join([*_requests(requests), *_seconds(seconds), *_waiting(waiting), ""]).encode()


def _requests(rows: list[tuple[tuple[str, int], int]]) -> Iterator[str]:
    yield "# HELP modelport_control_requests_total Requests to the control API, by operation and status."
    yield "# TYPE modelport_control_requests_total counter"
    for (operation, status), count in rows:
        yield f'modelport_control_requests_total{{operation="{operation}",status="{status}"}} {count}'


def _seconds(rows: list[tuple[str, float]]) -> Iterator[str]:
    yield "# HELP modelport_control_request_seconds_total Time spent on requests, by operation."
    yield "# TYPE modelport_control_request_seconds_total counter"
    for operation, seconds in rows:
        yield f'modelport_control_request_seconds_total{{operation="{operation}"}} {seconds:.6f}'


def _waiting(count: int) -> Iterator[str]:
    yield "# HELP modelport_control_waiting Callers who wait for a plan, keys or a rollout to change."
    yield "# TYPE modelport_control_waiting gauge"
    yield f"modelport_control_waiting {count}"
