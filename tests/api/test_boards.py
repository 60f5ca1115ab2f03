"""What many wait for is read once for all of them, and never shown as it was before they asked."""

from __future__ import annotations

import asyncio
import threading

from modelport.api.boards import Board, Seen


def test_nobody_is_shown_what_was_there_before_he_asked() -> None:
    """A replica that has just taken a plan, and asks while a look from before it is under way."""
    there, begun, go_on = ["1-1"], threading.Event(), threading.Event()

    def look() -> Seen:
        seen = Seen(there[0], b"")
        begun.set()
        assert go_on.wait(10)
        return seen

    async def asked() -> tuple[Seen | None, Seen | None]:
        board = Board(look)
        first = asyncio.create_task(board.after(None, 5))
        await asyncio.to_thread(begun.wait, 10)
        there[0] = "1-2"
        second = asyncio.create_task(board.after("1-2", 0.1))
        await asyncio.sleep(0.01)
        go_on.set()
        return await first, await second

    assert asyncio.run(asked()) == (Seen("1-1", b""), None)


def test_those_who_come_during_a_look_share_the_next() -> None:
    looks, begun, go_on = 0, threading.Event(), threading.Event()

    def look() -> Seen:
        nonlocal looks
        looks += 1
        begun.set()
        assert go_on.wait(10)
        return Seen("1-1", b"")

    async def asked() -> None:
        board = Board(look)
        first = asyncio.create_task(board.after(None, 5))
        await asyncio.to_thread(begun.wait, 10)
        others = [asyncio.create_task(board.after(None, 5)) for _ in range(200)]
        await asyncio.sleep(0.01)
        go_on.set()
        await asyncio.gather(first, *others)

    asyncio.run(asked())
    assert looks == 2
