"""Open-loop load: requests leave when they are due, whether or not earlier ones were answered.

`wrk` waits for each answer before the next request, so a stall hides the requests that would have been sent
meanwhile. Here arrivals are a Poisson process drawn beforehand, and latency counts from the time a request
was due. The generator is a process of its own on a core of its own and spins between arrivals, because a
timer is a millisecond late.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import msgspec
import numpy as np

from benchmarks.failure import BenchmarkError
from benchmarks.places import ROOT

CONNECTIONS = 64
"""Kept open; a request that finds none free waits, and its waiting counts."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to send.

    Attributes:
        port: of 127.0.0.1.
        rate: requests per second, on average.
        warm, measured: seconds; answers of the first are not counted.
        headers: names and values besides host, type and length.
        paths, bodies: taken in turn, each at its own pace.
    """

    port: int
    rate: float
    warm: float
    measured: float
    headers: tuple[tuple[str, str], ...]
    paths: tuple[str, ...]
    bodies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back.

    Attributes:
        rate: answers per second.
        p50, p99: latency in milliseconds, from when a request was due.
        late: 99th percentile of how late the generator sent a request, in milliseconds.
    """

    rate: float
    p50: float
    p99: float
    late: float


def open_loop(job: Job, *, core: int) -> Seen:
    """Run the job in a pinned process; raises `BenchmarkError` when a request fails or is not answered."""
    command = ("taskset", "-c", str(core), sys.executable, "-m", "benchmarks.openloop")
    done = subprocess.run(
        command,
        input=msgspec.json.encode(job).decode(),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        msg = f"the open loop failed:\n{done.stderr[-2000:]}"
        raise BenchmarkError(msg)
    return msgspec.json.decode(done.stdout, type=Seen)


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.place = -1
        self.buffer = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.generator.free.append(self)

    def send(self, place: int, request: bytes) -> None:
        self.place = place
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        size = answer_size(self.buffer)
        if size is None or len(self.buffer) < size:
            return
        ok = self.buffer[9:12] == b"200"
        self.buffer = self.buffer[size:]
        self.generator.answered(self, ok)

    def connection_lost(self, _: Exception | None) -> None:
        self.generator.lost += not self.generator.over


def answer_size(buffer: bytes) -> int | None:
    """Bytes of the first answer in the buffer, head and body; None until its head is whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end].lower()
    start = head.index(b"content-length:") + len(b"content-length:")
    stop = head.find(b"\r\n", start)
    return end + 4 + int(head[start : stop if stop >= 0 else None])


class Generator:
    """Sends requests at their due times and notes when each was answered."""

    def __init__(self, job: Job, due: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        self.due: list[float] = due.tolist()
        self.requests = cycle(encode(job))
        self.sent = np.full(len(due), np.nan)
        self.done = np.full(len(due), np.nan)
        self.ok = np.zeros(len(due), np.bool_)
        self.free: deque[Connection] = deque()
        self.waiting: deque[int] = deque()
        self.next = self.finished = self.failed = self.lost = 0
        self.start = 0.0
        self.over = False

    async def run(self, port: int, patience: float) -> None:
        """Send everything, then wait for what is still under way."""
        loop = asyncio.get_running_loop()
        opened = [
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
            for _ in range(CONNECTIONS)
        ]
        self.start = time.perf_counter()
        last = self.due[-1] + patience
        while self.finished < len(self.due) and not self.lost and self._now() < last:
            self._send_due()
            await asyncio.sleep(0)
        self.over = True
        for transport, _ in opened:
            transport.abort()

    def answered(self, connection: Connection, ok: bool) -> None:
        """Note an answer and give the connection its next request, if one waits."""
        self.done[connection.place] = self._now()
        self.ok[connection.place] = ok
        self.finished += 1
        self.failed += not ok
        if self.waiting:
            self._send(connection, self.waiting.popleft())
        else:
            self.free.append(connection)

    def _send_due(self) -> None:
        now = self._now()
        while self.next < len(self.due) and self.due[self.next] <= now:
            if self.free:
                self._send(self.free.popleft(), self.next)
            else:
                self.waiting.append(self.next)
            self.next += 1

    def _send(self, connection: Connection, place: int) -> None:
        self.sent[place] = self._now()
        connection.send(place, next(self.requests))

    def _now(self) -> float:
        return time.perf_counter() - self.start


def arrivals(job: Job, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Due times in seconds: a Poisson process over warm-up and measurement."""
    seconds = job.warm + job.measured
    gaps = np.random.default_rng(seed).exponential(1 / job.rate, int(job.rate * seconds * 1.2) + 100)
    due = np.cumsum(gaps)
    return due[due < seconds]


def encode(job: Job) -> list[bytes]:
    """The requests on the wire: every path, the bodies in turn."""
    count = max(len(job.paths), len(job.bodies))
    return [
        _encode(job, job.paths[place % len(job.paths)], job.bodies[place % len(job.bodies)].encode())
        for place in range(count)
    ]


def _encode(job: Job, path: str, content: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{job.port}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in job.headers]
    return "\r\n".join([*lines, f"content-length: {len(content)}", "", ""]).encode() + content


def summary(job: Job, generator: Generator) -> Seen:
    """Percentiles over the measured part; raises `BenchmarkError` when a request failed or got no answer."""
    missing = len(generator.due) - generator.finished
    if missing or generator.failed or generator.lost:
        msg = f"{missing} without an answer, {generator.failed} failed, {generator.lost} connections lost"
        raise BenchmarkError(msg)
    due = np.asarray(generator.due)
    counted = due >= job.warm
    took = 1e3 * (generator.done - due)[counted]
    late = 1e3 * (generator.sent - due)[counted]
    p50, p99 = (float(value) for value in np.percentile(took, (50, 99)))
    return Seen(len(took) / job.measured, p50, p99, float(np.percentile(late, 99)))


def main() -> None:
    """Read a job from standard input, print what was seen as JSON."""
    import uvloop

    job = msgspec.json.decode(sys.stdin.read(), type=Job)
    generator = Generator(job, arrivals(job))
    gc.disable()  # a collection would be taken for the server's latency
    uvloop.run(generator.run(job.port, patience=10.0))
    print(msgspec.json.encode(summary(job, generator)).decode())


if __name__ == "__main__":
    main()
