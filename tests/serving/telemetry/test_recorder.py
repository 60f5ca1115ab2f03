"""The recorder never waits, never raises, and its counters add up."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelport.core.telemetry import PayloadEvent, PredictionEvent
from modelport.serving import shared
from modelport.serving.telemetry.flusher import Flusher
from modelport.serving.telemetry.recorder import PAYLOAD_BYTES, PAYLOAD_ROOM, Recorder
from modelport.serving.telemetry.redaction import MARK, redact
from modelport.serving.telemetry.spool import Spool, read_spool


def note(recorder: Recorder, *ids: str) -> None:
    size = len(ids)
    recorder.batch("churn:1", 1000, "native", list(ids), [5] * size, [1] * size, "ok", [None] * size)


def event(name: str) -> PredictionEvent:
    return PredictionEvent(name, "churn:1", 1000, 5, 1, "refused", None, "v2")


def payload(name: str, inputs: dict[str, Any]) -> PayloadEvent:
    return PayloadEvent(name, "churn:1", inputs, {"label": 1})


def counted(segment: shared.Segment, *cells: int) -> tuple[int, ...]:
    return tuple(segment.sum_worker(cell) for cell in cells)


ACCOUNT = (shared.EVENTS, shared.EVENTS_WRITTEN, shared.EVENTS_DROPPED, shared.EVENTS_LOST)


class Line:
    """A recorder, its flusher and its spool, as a worker has them."""

    def __init__(self, folder: Path, **choices: Any) -> None:
        spool_choices = {name: choices.pop(name) for name in ("file_bytes", "total_bytes") if name in choices}
        self.segment = choices.pop("segment", None) or shared.Segment.create(2, 1, 1)
        self.recorder = Recorder(self.segment, 1, **choices)
        self.flusher = Flusher(self.recorder, Spool(folder, 1, 1, **spool_choices), self.segment, 1)
        self.flusher.start()


def test_noted_events_reach_the_spool_in_order_and_are_counted(tmp_path: Path) -> None:
    line = Line(tmp_path)
    note(line.recorder, "a", "b")
    line.recorder.one(event("c"))
    line.recorder.payload(payload("a", {"age": [41]}))
    note(line.recorder, "d")
    line.flusher.close()
    found = list(read_spool(tmp_path))
    assert [one.prediction_id for one in found] == ["a", "b", "c", "a", "d"]
    assert found[2] == event("c")
    assert found[3] == payload("a", {"age": [41]})
    assert counted(line.segment, *ACCOUNT) == (4, 4, 0, 0)
    assert counted(line.segment, shared.PAYLOADS, shared.PAYLOADS_DROPPED) == (1, 0)
    assert counted(line.segment, shared.SPOOL_BYTES) == (sum(p.stat().st_size for p in tmp_path.iterdir()),)


def test_a_full_ring_drops_the_newest_and_counts_each() -> None:
    segment = shared.Segment.create(1, 1, 1)
    recorder = Recorder(segment, 0, room=3)
    recorder._brim = 0
    note(recorder, "a", "b")
    note(recorder, "c", "d")
    recorder.one(event("e"))
    recorder.one(event("f"))
    kept = []
    while record := recorder.take():
        kept.append(record)
    assert [one.events for one in kept] == [2, 1]
    assert recorder.refused == 3
    assert counted(segment, shared.EVENTS) == (6,)
    note(recorder, "g")
    assert recorder.take() is not None


def test_without_a_spool_events_are_counted_and_let_go() -> None:
    segment = shared.Segment.create(1, 1, 1)
    recorder = Recorder(segment, 0, spooled=False)
    note(recorder, "a", "b")
    recorder.one(event("c"))
    recorder.payload(payload("a", {"age": 41}))
    assert recorder.take() is None
    assert counted(segment, shared.EVENTS, shared.EVENTS_DROPPED, shared.PAYLOADS) == (3, 0, 1)


def test_a_full_frame_wakes_the_flusher() -> None:
    recorder = Recorder(shared.Segment.create(1, 1, 1), 0)
    note(recorder, *map(str, range(2048)))
    assert not recorder.bell.is_set()
    note(recorder, "one more")
    assert recorder.bell.is_set()


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 40), max_size=40),
    room=st.integers(1, 200),
    total=st.sampled_from([1, 2000, 10_000, 1_000_000]),
)
def test_every_event_is_written_dropped_or_lost(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], room: int, total: int
) -> None:
    """noted = readable + dropped + lost, whatever the ring and the cap let through."""
    folder = tmp_path_factory.mktemp("spool")
    line = Line(folder, room=room, file_bytes=500, total_bytes=total)
    line.recorder._brim = 0
    for number, size in enumerate(sizes):
        note(line.recorder, *(f"{number}.{row}" for row in range(size)))
    line.flusher.close()
    noted, written, dropped, lost = counted(line.segment, *ACCOUNT)
    assert noted == sum(sizes)
    assert noted == written + dropped
    assert len(list(read_spool(folder))) == written - lost


def test_while_the_disk_takes_nothing_events_are_dropped_and_then_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.write_text("in the way")
    line = Line(folder)
    line.flusher.close()
    note(line.recorder, "lost")
    line.recorder.payload(payload("lost", {}))
    line.flusher._flush()
    folder.unlink()
    note(line.recorder, "kept")
    line.flusher._flush()
    assert [one.prediction_id for one in read_spool(folder)] == ["kept"]
    assert counted(line.segment, *ACCOUNT) == (2, 1, 1, 0)
    assert counted(line.segment, shared.PAYLOADS, shared.PAYLOADS_DROPPED) == (1, 1)


def test_a_record_that_cannot_be_encoded_is_dropped_alone_with_its_frame(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.flusher.close()
    line.recorder.one(event("lone surrogate \ud800"))
    line.flusher._flush()
    note(line.recorder, "fine")
    line.flusher._flush()
    assert [one.prediction_id for one in read_spool(tmp_path)] == ["fine"]
    assert counted(line.segment, *ACCOUNT) == (2, 1, 1, 0)


def test_a_successor_continues_the_counters_of_a_dead_worker(tmp_path: Path) -> None:
    """What the dead one still held is counted as dropped."""
    first = Line(tmp_path)
    note(first.recorder, "a", "b")
    first.flusher.close()
    note(first.recorder, "died", "with", "it")
    second = Line(tmp_path, segment=first.segment)
    note(second.recorder, "c")
    second.flusher.close()
    assert [one.prediction_id for one in read_spool(tmp_path)] == ["a", "b", "c"]
    assert counted(first.segment, *ACCOUNT) == (6, 3, 3, 0)


def test_noting_while_the_flusher_takes_loses_nothing(tmp_path: Path) -> None:
    line = Line(tmp_path)
    stop = threading.Event()

    def flush_all_the_time() -> None:
        while not stop.is_set():
            line.recorder.bell.set()

    hurry = threading.Thread(target=flush_all_the_time)
    hurry.start()
    for index in range(5000):
        note(line.recorder, str(index))
    stop.set()
    hurry.join()
    line.flusher.close()
    assert [one.prediction_id for one in read_spool(tmp_path)] == [str(index) for index in range(5000)]
    assert counted(line.segment, *ACCOUNT) == (5000, 5000, 0, 0)


def test_a_payload_that_is_too_long_or_not_plain_is_dropped_and_counted() -> None:
    recorder = Recorder(shared.Segment.create(1, 1, 1), 0)
    recorder.payload(payload("long", {"text": "x" * PAYLOAD_BYTES}))
    recorder.payload(payload("odd", {"value": object()}))
    recorder.payload(payload("big", {"value": 2**70}))
    assert recorder.take() is None
    assert recorder.payloads_refused == 3


def test_waiting_payloads_are_bounded_in_bytes() -> None:
    recorder = Recorder(shared.Segment.create(1, 1, 1), 0)
    each = PAYLOAD_BYTES - 100
    for _ in range(PAYLOAD_ROOM // each + 10):
        recorder.payload(payload("p", {"text": "x" * each}))
    held = 0
    while record := recorder.take():
        held += record.payload_bytes
    assert 0 < held <= PAYLOAD_ROOM
    assert recorder.payloads_refused >= 10


def test_redacted_columns_never_reach_the_spool(tmp_path: Path) -> None:
    line = Line(tmp_path, redacted=("ssn", "iban"))
    line.recorder.payload(payload("a", {"rows": [{"ssn": "123-45", "age": 41}], "iban": ["DE00"]}))
    line.recorder.payload(payload("b", {"input": [[1.5, 77.25], [2.5, 88.75]]}), ("age", "ssn"))
    line.flusher.close()
    found = [one.inputs for one in read_spool(tmp_path) if isinstance(one, PayloadEvent)]
    assert found == [
        {"rows": [{"ssn": MARK, "age": 41}], "iban": MARK},
        {"input": [[1.5, MARK], [2.5, MARK]]},
    ]
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"123-45" not in raw
    assert b"DE00" not in raw


@pytest.mark.parametrize(
    ("value", "columns", "left"),
    [
        ([1, 2, 3, 4], ("a", "secret"), [1, MARK, 3, MARK]),
        ([1, 2, 3], ("a", "secret"), MARK),
        ([1, 2, 3], ("a", "b"), [1, 2, 3]),
        ({"secret": {"deep": 1}}, (), {"secret": MARK}),
        ([{"x": [{"secret": 1, "y": 2}]}], (), [{"x": [{"secret": MARK, "y": 2}]}]),
        ("text", ("secret",), "text"),
    ],
)
def test_a_column_is_found_by_key_or_by_position(value: Any, columns: tuple[str, ...], left: Any) -> None:
    """A list that does not fit the names is taken out whole."""
    assert redact(value, {"secret"}, columns) == left
