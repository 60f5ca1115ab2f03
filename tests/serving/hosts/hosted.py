"""Replicas with model hosts, and how to ask them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.rawclient import Answer, Raw, post
from tests.acceptance.traffic import Traffic, traffic

from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, alive, replica


class Hosted:
    """One replica whose models are hosted."""

    def __init__(self, running: Replica) -> None:
        self.running = running

    def ask(self, model: str, *values: float, **headers: str) -> Answer:
        """One row of two numbers: the first says what the model does."""
        with Raw(self.running.url) as raw:
            return raw.ask(asking(model, *values, **headers))

    def many(self, model: str, rows: list[list[float]]) -> Answer:
        """Several rows in one request."""
        with Raw(self.running.url) as raw:
            return raw.ask(post(f"/v1/models/{model}/predict", {"input": rows}))

    def plan(self) -> dict[str, Any]:
        """What `/debug/plan` says."""
        return self.running.get("/debug/plan")

    def metric(self, name: str, model: str) -> float:
        """A metric of a model, over all series of it."""
        with Raw(self.running.url) as raw:
            text = raw.ask(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").body.decode()
        lines = [line for line in text.splitlines() if line.startswith(f'{name}{{model="{model}"')]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    @contextmanager
    def others_answer(self, model: str = "good") -> Iterator[Traffic]:
        """While the block lasts another model is asked all the time, and never fails."""
        with traffic(self.running.url, [asking(model, 1.0, 2.0)], right, rate=50, clients=2) as seen:
            yield seen
        assert seen.failed == 0, seen.counts
        assert seen.counts["ok"] > 0


def asking(model: str, *values: float, **headers: str) -> bytes:
    """A request of one row."""
    return post(f"/v1/models/{model}/predict", {"input": [*values, 0.0, 0.0][:2]}, **headers)


def right(answer: Answer) -> str:
    """Names an answer to 1 and 2 of a model that sums."""
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    return "ok" if answer.json()["prediction"] == 3.0 else "wrong"


@contextmanager
def serving(folder: Path, bundles: list[str], **choices: Any) -> Iterator[Hosted]:
    """A ready replica of Python bundles; nothing of it is left afterwards."""
    settings = Settings(bundles=tuple(bundles), port=0, allow_python=True, **choices)
    with replica(folder, settings, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1") as running:
        running.wait_ready()
        one = Hosted(running)
        yield one
        running.signal(signal.SIGTERM)
        assert running.end() == 0
        assert not [pid for pid in running.hosts() if alive(pid)], "a model host outlived its replica"
