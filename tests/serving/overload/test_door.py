"""A door that rests refuses nobody."""

from __future__ import annotations

import asyncio
import socket

from modelport.serving.overload.door import Door


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


def listener() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    sock.setblocking(False)
    return sock


async def greeted(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        return await asyncio.wait_for(reader.read(), 0.3)
    except TimeoutError:
        return b""
    finally:
        writer.close()


def test_who_knocks_while_it_rests_waits() -> None:
    async def story() -> list[bytes]:
        sock = listener()
        address = sock.getsockname()
        door = Door(sock, Greeter)
        seen = [await greeted(address)]
        await door.open()
        seen.append(await greeted(address))
        await door.rest(resting=True)
        waiting = asyncio.create_task(greeted(address))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await door.rest(resting=False)
        seen.append(await waiting)
        door.close()
        return seen

    assert asyncio.run(story()) == [b"", b"hello", b"hello"]


def test_a_door_that_rested_before_it_opened_opens_when_it_is_told_to() -> None:
    async def story() -> list[bytes]:
        sock = listener()
        address = sock.getsockname()
        door = Door(sock, Greeter)
        await door.rest(resting=True)
        await door.open()
        seen = [await greeted(address)]
        await door.rest(resting=False)
        seen.append(await greeted(address))
        door.close()
        return seen

    assert asyncio.run(story()) == [b"", b"hello"]
