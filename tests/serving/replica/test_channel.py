"""The wire between supervisor and worker: whole messages in order, and an end for everything else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.serving.replica import channel as wire
from modelport.serving.replica.messages import (
    Access,
    Boot,
    Commit,
    Downward,
    Drain,
    Drained,
    Hello,
    Prepare,
    Prepared,
    SlotReport,
)

PLAN = ServingPlan(
    Revision(1, 2),
    (SlotSpec("churn:1", "churn", 1, "churn.bundle"),),
    (EndpointSpec("churn", Route((Share("churn:1", 10_000),))),),
)
Ends = tuple[wire.WorkerChannel, wire.Channel]


def over_a_pair(story: Callable[[wire.WorkerChannel, wire.Channel], Awaitable[None]]) -> None:
    """Run a story with both ends of a fresh wire."""

    async def run() -> None:
        ours, theirs = socket.socketpair()
        up, down = await wire.open_worker_channel(ours), await wire.open_channel(theirs)
        try:
            await story(up, down)
        finally:
            up.close()
            down.close()

    asyncio.run(run())


def test_messages_arrive_whole_and_in_order() -> None:
    said: list[Downward] = [
        Prepare(PLAN, {"churn:1": 0}),
        Commit(PLAN.revision, ("churn",)),
        Access(None, {}),
        Drain(0.5, 30.0),
    ]

    async def story(up: wire.WorkerChannel, down: wire.Channel) -> None:
        for message in said:
            up.send(message)
        assert [await anext(down) for _ in said] == said

    over_a_pair(story)


def test_the_other_way_carries_reports() -> None:
    async def story(up: wire.WorkerChannel, down: wire.Channel) -> None:
        report = Prepared(PLAN.revision, {"churn:1": SlotReport("ready", contract="abc")})
        for message in (Hello(7), report, Drained()):
            down.send(message)
        assert [await anext(up) for _ in range(3)] == [Hello(7), report, Drained()]

    over_a_pair(story)


def test_a_message_far_larger_than_a_socket_buffer_arrives() -> None:
    async def story(up: wire.WorkerChannel, down: wire.Channel) -> None:
        message = Commit(PLAN.revision, tuple(f"endpoint-{number}" for number in range(200_000)))
        up.send(message)
        assert await anext(down) == message

    over_a_pair(story)


def test_iteration_ends_without_a_fault_when_the_peer_closes() -> None:
    async def story(up: wire.WorkerChannel, down: wire.Channel) -> None:
        up.send(Drain(0.0, 1.0))
        up.close()
        assert [message async for message in down] == [Drain(0.0, 1.0)]
        assert down.fault == ""

    over_a_pair(story)


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (wire.frame(b"\xc1"), "malformed"),
        (wire.frame(b"\x81\xa4type\xa5never"), "never"),
        ((wire.MAX_FRAME + 1).to_bytes(4, "little"), "limit"),
    ],
)
def test_what_is_no_message_closes_the_wire_with_a_fault(sent: bytes, fault: str) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        down = await wire.open_channel(theirs)
        with ours:
            ours.sendall(sent)
            assert [message async for message in down] == []
            assert fault in down.fault

    asyncio.run(run())


@given(st.binary(max_size=200))
def test_no_bytes_make_the_wire_raise(garbage: bytes) -> None:
    """Any garbage either decodes to messages or ends the iteration."""

    async def run() -> None:
        ours, theirs = socket.socketpair()
        down = await wire.open_channel(theirs)
        with ours:
            ours.sendall(garbage)
            ours.shutdown(socket.SHUT_WR)
            assert [message async for message in down] == []

    asyncio.run(run())


def test_sending_after_the_end_is_quiet() -> None:
    async def story(up: wire.WorkerChannel, down: wire.Channel) -> None:
        down.close()
        assert [message async for message in up] == []
        up.send(Drain(0.0, 1.0))
        await up.flush()

    over_a_pair(story)


def test_a_peer_that_never_reads_loses_its_channel() -> None:
    async def story(up: wire.WorkerChannel, down: wire.Channel) -> None:
        large = Commit(PLAN.revision, ("x" * (wire.MAX_FRAME // 2),))
        for _ in range(6):
            up.send(large)
        assert up.fault == "the peer does not read"

    over_a_pair(story)


def test_boot_is_the_first_frame_and_messages_follow_it() -> None:
    boot = Boot(b'{"port":0}', worker=1, incarnation=3, listen=5, segment=6, workers=4, slots=10, keys=10)

    async def run() -> None:
        ours, theirs = socket.socketpair()
        wire.send_boot(ours, boot)
        up = await wire.open_worker_channel(ours)
        up.send(Drain(0.0, 1.0))
        assert wire.receive_boot(theirs, Boot) == boot
        down = await wire.open_channel(theirs)
        assert await anext(down) == Drain(0.0, 1.0)
        up.close()
        down.close()

    asyncio.run(run())


def test_a_worker_without_a_supervisor_gets_no_boot() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs, pytest.raises(EOFError):
        wire.receive_boot(theirs, Boot)
