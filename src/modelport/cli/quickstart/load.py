"""A closed loop of requests, in a process of its own: `python -m modelport.cli.quickstart.load`.

Each connection sends its next request when the last one is answered. It reads the requests' bytes from
standard input, as a msgpack list, and writes what it counted to standard output, as JSON.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from typing import cast

import msgspec

_GRACE_SECONDS = 20.0


class Measured(msgspec.Struct, frozen=True):
    """What a closed loop saw: answers with status 200, all others, and the time they took."""

    connections: int
    answered: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return self.answered / self.seconds


def measure(
    url: str, path: str, bodies: Sequence[bytes], connections: int = 16, seconds: float = 2.0
) -> Measured:
    """Run the loop in a child process, so that it and this process do not share an interpreter.

    The bodies are sent in turn; each connection begins at another one.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    arguments = [host, port, str(connections), str(seconds)]
    child = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        input=msgspec.msgpack.encode([_request(f"{host}:{port}", path, body) for body in bodies]),
        stdout=subprocess.PIPE,
        check=True,
        timeout=seconds + _GRACE_SECONDS,
    )
    return msgspec.json.decode(child.stdout, type=Measured)


class Loop(asyncio.Protocol):
    """One connection: send, wait for the whole answer, send again."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.taken: list[float] = []
        self.failed = 0
        self.over = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, only their shape.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        status = _complete(self._got)
        if status is None:
            return
        self._got = b""
        now = time.perf_counter()
        if status == 200:
            self.taken.append(now - self._sent)
        else:
            self.failed += 1
        if now >= self._until:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += exc is not None
        self.over.set_result(None)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


def _request(host: str, path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _complete(data: bytes) -> int | None:
    """The status of an answer that has come whole, else None."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(head.split(b" ", 2)[1]) if len(body) >= int(value) else None
    return None


async def _run(requests: list[bytes], host: str, port: int, connections: int, seconds: float) -> Measured:
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        loop.create_connection(partial(Loop, _from(requests, place), started + seconds), host, port)
        for place in range(connections)
    ]
    loops = [protocol for _, protocol in await asyncio.gather(*made)]
    await asyncio.gather(*(one.over for one in loops))
    taken = sorted(value for one in loops for value in one.taken)
    return Measured(
        connections,
        answered=len(taken),
        failed=sum(one.failed for one in loops),
        seconds=time.perf_counter() - started,
        p50_ms=_quantile(taken, 0.5),
        p99_ms=_quantile(taken, 0.99),
    )


def _from(requests: list[bytes], place: int) -> Iterator[bytes]:
    """The requests in turn without end, beginning somewhere among them."""
    start = place % len(requests)
    return cycle(requests[start:] + requests[:start])


def _quantile(taken: list[float], share: float) -> float:
    return round(taken[int(share * (len(taken) - 1))] * 1000, 3) if taken else 0.0


def main(host: str, port: str, connections: str, seconds: str) -> None:
    """Read the requests, run the loop, print what it counted."""
    import uvloop

    requests = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=list[bytes])
    found = uvloop.run(_run(requests, host, int(port), int(connections), float(seconds)))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
