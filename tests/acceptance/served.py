"""A served replica as acceptance tests see it, and what must hold after every case."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.rawclient import Answer, Raw, post, request

from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, eventually, replica

_SAMPLE = re.compile(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$")
_SECRETS = ("Traceback", 'File "', "site-packages", str(Path(__file__).parents[2]), tempfile.gettempdir())
_PAGE = os.sysconf("SC_PAGE_SIZE")
_GROWTH = 64 * 1024 * 1024
"""Most bytes that one case may leave behind in a worker; several times the largest JSON body."""


class Known(NamedTuple):
    """What is compared before and after a case."""

    pids: list[int]
    resident: int
    counts: dict[str, float]


class Served:
    """One replica, with the request that it must always answer in the same way."""

    def __init__(self, running: Replica, good: bytes) -> None:
        self.running = running
        self.url = running.url
        self._good = good
        self._expected = self.answer()

    def ask(self, request: bytes) -> Answer:
        """The answer to one request on a connection of its own."""
        with Raw(self.url) as raw:
            return raw.ask(request)

    def answer(self) -> dict[str, Any]:
        """What the good request is answered, without what differs each time."""
        answer = self.ask(self._good)
        assert answer.status == 200, answer
        known: dict[str, Any] = answer.json()
        del known["prediction_id"]
        return known

    def metrics(self) -> dict[str, float]:
        """Every sample of `/metrics`, under its name with labels."""
        text = self.ask(request("GET", "/metrics")).body.decode()
        return {f"{name}{{{labels}}}": float(value) for name, labels, value in _SAMPLE.findall(text)}

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric over all series that carry these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            value
            for series, value in self.metrics().items()
            if series.startswith(f"{name}{{") and all(want in series for want in wanted)
        )

    def answered(self, status: int) -> float:
        """How many requests were answered with `status`."""
        names = ("modelport_requests_total", "modelport_unrouted_requests_total")
        return sum(self.metric(name, code=str(status)) for name in names)

    def serves(self) -> None:
        """Live, and right."""
        assert self.ask(request("GET", "/v2/health/live")).status == 200
        assert self.answer() == self._expected

    @contextmanager
    def unharmed(self, *, restarts: int = 0) -> Iterator[None]:
        """After the block the replica serves as before, with the same processes and no more memory."""
        pids, resident = self.running.pids(), self.resident()
        yield
        self.serves()
        assert len(self.running.pids()) == len(pids) + restarts, self.running.events("worker lost")
        assert self.resident() - resident < _GROWTH

    def resident(self) -> int:
        """Bytes of memory that the workers hold."""
        return sum(_resident(pid) for pid in self.running.pids())

    def clean(self, answer: Answer) -> None:
        """A problem document that says nothing about the machine."""
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["status"] == answer.status
        assert document["code"]
        assert document["request_id"]
        text = answer.body.decode()
        assert not [secret for secret in _SECRETS if secret in text], text
        told = text.replace(f'"status":{answer.status}', "")  # which may be the number of a process by chance
        assert not [pid for pid in self.running.pids() if re.search(rf"\b{pid}\b", told)], text

    def busy(self, model: str = "slow") -> None:
        """Wait until the model computes."""
        eventually(lambda: self.metric("modelport_executing_requests", model=model) > 0)


@contextmanager
def serve(folder: Path, settings: Settings, good: bytes) -> Iterator[Served]:
    """A replica that is ready."""
    with replica(folder, settings) as running:
        running.wait_ready()
        yield Served(running, good)


def summing(model: str, *values: float, **headers: str) -> bytes:
    """A request to a dummy model."""
    return post(f"/v1/models/{model}/predict", {"input": list(values or (1.0, 2.0))}, **headers)


def files_of(pid: int) -> int:
    """Open files of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def wait(seconds: float) -> None:
    """Let time pass that a case is about."""
    time.sleep(seconds)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
