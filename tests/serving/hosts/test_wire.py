"""Whole messages between a worker and a model host, however long, and nothing that is not one."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from modelport.runtimes.batch import Batch, Ragged
from modelport.runtimes.wire import Heads, assembled, dismantled, padded
from modelport.serving.hosts import wire
from modelport.serving.hosts.wire import Wire


class End:
    """One end of a wire that keeps what it heard."""

    def __init__(self, sock: socket.socket) -> None:
        self.heard: list[tuple[bytes, memoryview]] = []
        self.faults: list[str] = []
        self.something = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.wire = Wire(loop, sock, self._hear, self._end)

    async def messages(self, count: int) -> list[tuple[bytes, memoryview]]:
        while len(self.heard) < count and not self.faults:
            self.something.clear()
            await asyncio.wait_for(self.something.wait(), 10)
        return self.heard

    async def fault(self) -> str:
        while not self.faults:
            self.something.clear()
            await asyncio.wait_for(self.something.wait(), 10)
        return self.faults[0]

    def _hear(self, head: bytes, memory: memoryview) -> None:
        self.heard.append((head, memory))
        self.something.set()

    def _end(self, fault: str) -> None:
        self.faults.append(fault)
        self.something.set()


def talk(story: Callable[[End, End], Awaitable[None]]) -> None:
    async def main() -> None:
        ours, theirs = (End(sock) for sock in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        await story(ours, theirs)
        ours.wire.close()
        theirs.wire.close()

    asyncio.run(main())


def raw(story: Callable[[socket.socket, End], Awaitable[None]]) -> None:
    async def main() -> None:
        sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with sock:
            end = End(theirs)
            await story(sock, end)
            end.wire.close()

    asyncio.run(main())


def descriptors() -> int:
    gc.collect()  # a mapped message holds its descriptor as long as anything looks at it
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("size", [0, 1, 1000, wire.SHORT - 40, wire.SHORT, 3_000_000])
def test_a_message_of_any_length_arrives_whole_and_can_be_written_to(size: int) -> None:
    async def story(ours: End, theirs: End) -> None:
        data = os.urandom(size)
        ours.wire.send(b"head", [data])
        ((head, memory),) = await theirs.messages(1)
        assert (head, bytes(memory)) == (b"head", data)
        if size:
            memory[0] = 1

    before = descriptors()
    talk(story)
    assert descriptors() == before


def test_messages_arrive_in_order_though_the_peer_reads_late() -> None:
    async def story(ours: End, theirs: End) -> None:
        for number in range(500):
            ours.wire.send(str(number).encode(), [bytes(20_000)])
        heard = await theirs.messages(500)
        assert [int(head) for head, _ in heard] == list(range(500))

    talk(story)


def test_what_was_sent_before_the_end_arrives_and_then_the_end() -> None:
    async def story(ours: End, theirs: End) -> None:
        ours.wire.send(b"last")
        ours.wire.close()
        assert [head for head, _ in await theirs.messages(1)] == [b"last"]
        assert await theirs.fault() == ""

    talk(story)


@pytest.mark.parametrize("message", [b"\xff\xff\xff\xffhead", b"x", b"\x09\x00\x00\x00head"])
def test_a_message_that_is_none_closes_the_wire(message: bytes) -> None:
    async def story(sock: socket.socket, end: End) -> None:
        sock.send(message)
        assert "shorter" in await end.fault()

    raw(story)


def test_memory_that_could_be_cut_off_is_refused() -> None:
    async def story(sock: socket.socket, end: End) -> None:
        fd = os.memfd_create("loose", os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, 4096)
        socket.send_fds(sock, [b"\1"], [fd])
        os.close(fd)
        assert "not sealed" in await end.fault()

    before = descriptors()
    raw(story)
    assert descriptors() == before


def test_a_batch_of_every_kind_of_tensor_comes_back_as_it_was() -> None:
    batch = Batch(
        3,
        {
            "floats": np.arange(6, dtype=np.float32).reshape(3, 2),
            "whole": np.array([1, -2, 3], np.int8),
            "texts": np.array(["a", None, "ü"], object),
            "flags": np.array([True, False, True]),
            "tokens": Ragged(np.arange(4), np.array([0, 1, 1, 4])),
            "none": np.zeros((3, 0)),
        },
    )
    heads, parts = dismantled(batch)
    memory = memoryview(bytearray(b"".join(padded(parts))))
    again = assembled(heads, memory)
    assert again.rows == 3
    for name, tensor in batch.tensors.items():
        got = again[name]
        was, now = (each.values if isinstance(each, Ragged) else each for each in (tensor, got))
        assert (now.dtype, now.shape, now.tolist()) == (was.dtype, was.shape, was.tolist())
        assert now.flags.aligned
    tokens = again["tokens"]
    assert isinstance(tokens, Ragged)
    assert tokens.offsets.tolist() == [0, 1, 1, 4]


@pytest.mark.parametrize(
    "heads",
    [
        Heads(1, (wire_head,))
        for wire_head in (
            dismantled(Batch(1, {"x": np.zeros((1, 100))}))[0].tensors[0],  # more than there is
            dismantled(Batch(1, {"x": np.zeros(1)}))[0].tensors[0].__class__("x", "object", (1,)),
            dismantled(Batch(1, {"x": np.zeros(1)}))[0].tensors[0].__class__("x", "float64", (-1,)),
        )
    ],
)
def test_a_head_that_does_not_fit_its_memory_is_refused(heads: Heads) -> None:
    with pytest.raises(ValueError, match=r"."):
        assembled(heads, memoryview(bytearray(64)))
