"""Events reach a control plane on another machine whole, once, and in order, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.fleet.fleets import Control, control

from modelport.core.telemetry import PredictionEvent
from modelport.serving.fleet.kept import Kept
from modelport.serving.fleet.line import Away, ControlLine
from modelport.serving.fleet.shipping import Shipper
from modelport.serving.telemetry.frames import Columns, encode, whole
from modelport.serving.telemetry.spool import Spool, read_spool


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Control]:
    with control(tmp_path / "control") as running:
        yield running


def frame(*ids: str) -> bytes:
    count = len(ids)
    batch = Columns("churn:1", 5, "native", list(ids), [1] * count, [1] * count, "ok", [None] * count)
    return encode([batch], count, 0)


def shipped(server: Control) -> list[str]:
    events = read_spool(server.folder / "spool")
    return [event.prediction_id for event in events if isinstance(event, PredictionEvent)]


async def ship(server: Control, folder: Path) -> None:
    """One round of a shipper that knows what is on the disk alone."""
    line = ControlLine(server.url, fleet="local", replica="one")
    try:
        await Shipper(line, folder / "spool", Kept(folder / "shipped.json"))._round()
    finally:
        await line.close()


def test_what_is_written_is_shipped_once_and_in_order(tmp_path: Path, server: Control) -> None:
    spool = Spool(tmp_path / "spool", 1, 0)
    spool.append(frame("a", "b"))
    asyncio.run(ship(server, tmp_path))
    spool.append(frame("c"))
    spool.close()
    spool.append(frame("d"))
    asyncio.run(ship(server, tmp_path))
    asyncio.run(ship(server, tmp_path))
    assert shipped(server) == ["a", "b", "c", "d"]
    for file in (tmp_path / "spool").iterdir():
        assert (server.folder / "spool" / file.name).read_bytes() == file.read_bytes()


def test_a_shipper_that_forgot_goes_on_where_the_other_end_is(tmp_path: Path, server: Control) -> None:
    spool = Spool(tmp_path / "spool", 1, 0)
    spool.append(frame("a"))
    asyncio.run(ship(server, tmp_path))
    (tmp_path / "shipped.json").unlink()
    spool.append(frame("b"))
    asyncio.run(ship(server, tmp_path))
    asyncio.run(ship(server, tmp_path))
    assert shipped(server) == ["a", "b"]


def test_with_the_other_end_away_nothing_is_lost(tmp_path: Path, server: Control) -> None:
    Spool(tmp_path / "spool", 1, 0).append(frame("a"))
    server.fault("500")
    with pytest.raises(Away, match="the database is away"):
        asyncio.run(ship(server, tmp_path))
    server.fault("")
    asyncio.run(ship(server, tmp_path))
    assert shipped(server) == ["a"]


@given(st.lists(st.text(min_size=1, max_size=5), max_size=4), st.integers(0, 40))
def test_only_whole_frames_are_taken(names: list[str], torn: int) -> None:
    frames = b"".join(frame(name) for name in names)
    last = frame("last")
    assert whole(frames + last[: min(torn, len(last) - 1)]) == len(frames)
    assert whole(frames + last) == len(frames + last)
