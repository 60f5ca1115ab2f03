"""A worker without a model: answers any HTTP request with its pid, and obeys all that a supervisor says.

What a slot's `bundle` says decides what happens when it is prepared: `bad` fails, `deadly` kills the process.
`other` has another contract. A file `doomed-1` in the working folder ends worker 1 whenever it starts.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from time import monotonic_ns

import msgspec

from modelport.core.plan import ServingPlan, SlotSpec
from modelport.serving import shared
from modelport.serving.replica import worker
from modelport.serving.replica.channel import Channel
from modelport.serving.replica.messages import (
    Boot,
    Commit,
    Committed,
    Drain,
    Drained,
    Hello,
    Prepare,
    Prepared,
    SlotReport,
)


class Server:
    """What one fake worker knows."""

    def __init__(self, boot: Boot, channel: Channel) -> None:
        self.boot = boot
        self.channel = channel
        self.plan: ServingPlan | None = None
        self.routes: dict[str, str] = {}
        self.segment = shared.Segment(boot.segment, boot.workers, boot.slots, boot.keys)
        self.row = self.segment.row(boot.worker)
        self.segment.cells[self.row + shared.PID] = os.getpid()

    async def beat(self) -> None:
        while True:
            self.segment.cells[self.row + shared.HEARTBEAT] = monotonic_ns()
            await asyncio.sleep(0.1)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"/execute" in request:
            self.segment.cells[self.segment.slot(self.boot.worker, 0) + shared.EXECUTING] += 3
        if b"/babble" in request:
            self.channel._writer.write(b"\x01\x00\x00\x00\xc1")
        known = {"pid": os.getpid(), "worker": self.boot.worker, "routes": self.routes, "lost": self.lost()}
        known |= {"restarts": self.rows(shared.RESTARTS), "looping": self.rows(shared.LOOPING)}
        body = msgspec.json.encode(known)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        self.segment.cells[self.row + shared.ACCEPTED] += 1
        await writer.drain()
        writer.close()

    def lost(self) -> int:
        return self.segment.sum_slot(0)[shared.LOST]

    def rows(self, cell: int) -> list[int]:
        return [self.segment.cells[self.segment.row(row) + cell] for row in range(self.segment.workers)]

    def prepare(self, message: Prepare) -> None:
        self.plan = message.plan
        loading = dict.fromkeys(message.places, SlotReport("loading"))
        self.channel.send(Prepared(message.plan.revision, loading))
        reports = {slot.id: report(slot) for slot in message.plan.slots}
        self.channel.send(Prepared(message.plan.revision, reports))

    def commit(self, message: Commit) -> None:
        assert self.plan is not None
        names = {endpoint.name for endpoint in self.plan.endpoints}
        kept = {name: at for name, at in self.routes.items() if name in names}
        self.routes = kept | dict.fromkeys(message.endpoints, str(message.revision))
        self.channel.send(Committed(message.revision, message.endpoints))


def report(slot: SlotSpec) -> SlotReport:
    if slot.bundle == "deadly":
        os._exit(42)
    if slot.bundle == "bad":
        return SlotReport("failed", "the digest of model.onnx does not hold")
    return SlotReport("ready", contract="two" if slot.bundle == "other" else "one")


def doomed(row: int) -> bool:
    return "crash" in os.environ.get("FAKE_WORKER", "") or Path(f"doomed-{row}").exists()


async def serve(boot: Boot, channel: Channel) -> None:
    if doomed(boot.worker):
        os._exit(7)
    server = Server(boot, channel)
    heart = asyncio.create_task(server.beat())
    channel.send(Hello(os.getpid()))
    listening: asyncio.Server | None = None
    async for message in channel:
        if isinstance(message, Prepare):
            server.prepare(message)
        elif isinstance(message, Commit):
            server.commit(message)
            listening = listening or await asyncio.start_server(
                server.answer, sock=socket.socket(fileno=boot.listen)
            )
        elif isinstance(message, Drain):
            await asyncio.sleep(message.delay)
            break
    if listening:
        listening.close()
    heart.cancel()
    channel.send(Drained())


if __name__ == "__main__":
    sys.exit(worker.main(sys.argv, serve))
