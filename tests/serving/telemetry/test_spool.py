"""What is written to the spool comes back whole and in order, and what is not is counted."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelport.core.telemetry import Outcome, PayloadEvent, PredictionEvent
from modelport.serving import shared
from modelport.serving.telemetry.flusher import Flusher
from modelport.serving.telemetry.frames import (
    FILE_HEADER,
    Columns,
    FrameError,
    Payload,
    Record,
    Single,
    encode,
)
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.spool import Count, Spool, count, places, read_spool

OUTCOMES: tuple[Outcome, ...] = ("ok", "invalid", "fault", "deadline", "cancelled", "refused")
texts = st.text(max_size=12)
naturals = st.integers(0, 2**63 - 1)
confidences = st.none() | st.floats(0, 1)


def test_a_file_of_version_1_is_read_without_what_it_did_not_have() -> None:
    found = list(read_spool(Path(__file__).with_name("version1")))
    assert found == [
        PredictionEvent("a", "churn:1", 1_700_000_000_000, 120, 1, "ok", 0.9, "native"),
        PredictionEvent("b", "churn:1", 1_700_000_000_000, 130, 3, "fault", None, "native"),
        PredictionEvent("c", "churn:2", 1_700_000_000_500, 99, 1, "ok", 0.5, "v2", True),
        PayloadEvent("a", "churn:1", {"age": 41}, {"label": 1}),
    ]


def test_predictions_and_users_come_back_with_their_rows(tmp_path: Path) -> None:
    batch = Columns(
        "churn:1",
        5,
        "native",
        ["a", "b"],
        [1, 2],
        [1, 2],
        "ok",
        [None, None],
        [("stays",), (1, None)],
        ["", "u"],
    )
    spool = Spool(tmp_path, 1, 0)
    assert spool.append(encode([batch], 2, 0))
    found = [event for event in read_spool(tmp_path) if isinstance(event, PredictionEvent)]
    assert [(event.predictions, event.user) for event in found] == [(("stays",), ""), ((1, None), "u")]


@st.composite
def batches(draw: st.DrawFn) -> Columns:
    size = draw(st.integers(0, 5))

    ids = draw(st.lists(texts, min_size=size, max_size=size))
    numbers = st.lists(naturals, min_size=size, max_size=size)
    many = st.lists(st.sampled_from(OUTCOMES), min_size=size, max_size=size)
    return Columns(
        draw(texts),
        draw(naturals),
        draw(texts),
        ids,
        draw(numbers),
        draw(numbers),
        draw(many | st.sampled_from(OUTCOMES)),
        draw(st.lists(confidences, min_size=size, max_size=size)),
    )


singles = st.builds(
    PredictionEvent, texts, texts, naturals, naturals, naturals, st.sampled_from(OUTCOMES), confidences, texts
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
documents = st.dictionaries(texts, plain, max_size=3)
payloads = st.builds(PayloadEvent, texts, texts, documents, documents)
noted = batches() | singles | payloads


def record(event: Columns | PredictionEvent | PayloadEvent) -> Record:
    if isinstance(event, PredictionEvent):
        return Single(event)
    if isinstance(event, PayloadEvent):
        return Payload(msgspec.Raw(msgspec.msgpack.encode(event)))
    return event


def expected(event: Columns | PredictionEvent | PayloadEvent) -> Iterator[PredictionEvent | PayloadEvent]:
    if not isinstance(event, Columns):
        yield event
        return
    for index, name in enumerate(event.ids):
        outcome = event.outcomes if isinstance(event.outcomes, str) else event.outcomes[index]
        latency, rows = event.latencies[index], event.rows[index]
        confidence = event.confidences[index]
        yield PredictionEvent(name, event.slot, event.at, latency, rows, outcome, confidence, event.protocol)


def frame(*ids: str, slot: str = "churn:1") -> bytes:
    size = len(ids)
    columns = Columns(slot, 1, "native", list(ids), [9] * size, [1] * size, "ok", [0.5] * size)
    return encode([columns], size, 0)


def names(folder: Path) -> list[str]:
    return [event.prediction_id for event in read_spool(folder, unexpected)]


def unexpected(damage: FrameError) -> None:
    pytest.fail(str(damage))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(noted, max_size=4), max_size=6))
def test_everything_noted_comes_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, flushes: list[list[Columns | PredictionEvent | PayloadEvent]]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, 1, 0, file_bytes=300)
    for events in flushes:
        assert spool.append(encode([record(event) for event in events], 0, 0))
    spool.close()
    assert list(read_spool(folder, unexpected)) == [
        one for events in flushes for event in events for one in expected(event)
    ]


def test_events_are_ordered_by_incarnation_worker_and_sequence(tmp_path: Path) -> None:
    for incarnation, worker in ((2, 0), (1, 1), (10, 0), (1, 0)):
        spool = Spool(tmp_path, incarnation, worker, file_bytes=1)
        for sequence in range(3):
            spool.append(frame(f"{incarnation}-{worker}-{sequence}"))
    assert names(tmp_path) == [
        f"{incarnation}-{worker}-{sequence}"
        for incarnation, worker in ((1, 0), (1, 1), (2, 0), (10, 0))
        for sequence in range(3)
    ]


def test_a_torn_tail_at_any_byte_ends_the_file_cleanly_and_is_reported(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1, 0)
    parts = [frame("a"), frame("b", "c"), frame("d")]
    for part in parts:
        spool.append(part)
    spool.close()
    path = tmp_path / "000001-000-000000.spool"
    whole = path.read_bytes()
    ends = [len(FILE_HEADER)]
    for part in parts:
        ends.append(ends[-1] + len(part))
    assert whole[ends[0] :] == b"".join(parts)
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        reports: list[FrameError] = []
        found = [event.prediction_id for event in read_spool(tmp_path, reports.append)]
        kept = sum(end <= cut for end in ends[1:])
        assert found == ["abcd"[index] for index in range((0, 1, 3, 4)[kept])]
        assert [(one.file, one.offset) for one in reports] == (
            [] if cut in ends else [(path.name, max((end for end in ends if end <= cut), default=0))]
        )


def test_any_flipped_byte_is_found_and_the_next_file_is_still_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1, 0, file_bytes=1)
    spool.append(frame("first"))
    spool.append(frame("second"))
    path = tmp_path / "000001-000-000000.spool"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :])
        reports: list[FrameError] = []
        assert [event.prediction_id for event in read_spool(tmp_path, reports.append)] == ["second"]
        assert len(reports) == 1


def test_a_length_is_never_believed(tmp_path: Path) -> None:
    """A frame that claims 4 GiB costs no memory."""
    (tmp_path / "000001-000-000000.spool").write_bytes(FILE_HEADER + b"\xff" * 16)
    reports: list[FrameError] = []
    assert list(read_spool(tmp_path, reports.append)) == []
    assert reports[0].reason == "an impossible frame length"


def test_columns_that_do_not_fit_together_return_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1, 0)
    spool.append(encode([Columns("churn:1", 1, "v2", ["a", "b"], [1], [1, 1], "ok", [None, None])], 2, 0))
    reports: list[FrameError] = []
    assert list(read_spool(tmp_path, reports.append)) == []
    assert [one.offset for one in reports] == [len(FILE_HEADER)]


def test_over_the_cap_the_oldest_file_of_any_worker_goes_and_is_counted(tmp_path: Path) -> None:
    """Files of earlier incarnations too."""
    other, former = Spool(tmp_path, 1, 1, file_bytes=1), Spool(tmp_path, 1, 0, file_bytes=1)
    former.append(frame("former-1", "former-2"))
    other.append(frame("other"))
    size = len(FILE_HEADER) + len(frame("now-0"))
    spool = Spool(tmp_path, 2, 0, file_bytes=size, total_bytes=4 * size)
    for index in range(10):
        assert spool.append(frame(f"now-{index}"))
    assert names(tmp_path) == ["now-6", "now-7", "now-8", "now-9"]
    assert spool.lost == Count(2 + 1 + 6, 0)
    assert spool.size == sum((tmp_path / str(place)).stat().st_size for place in places(tmp_path))


def test_a_file_that_another_worker_is_writing_is_never_deleted(tmp_path: Path) -> None:
    other = Spool(tmp_path, 1, 1)
    other.append(frame("other-1"))
    size = len(FILE_HEADER) + len(frame("now-0"))
    spool = Spool(tmp_path, 2, 0, file_bytes=size, total_bytes=4 * size)
    for index in range(10):
        assert spool.append(frame(f"now-{index}"))
    assert other.append(frame("other-2"))
    assert names(tmp_path)[:2] == ["other-1", "other-2"]
    other.close()
    for index in range(10):
        assert spool.append(frame(f"later-{index}"))
    assert "other-1" not in names(tmp_path)


@given(st.integers(1, 5), st.lists(st.integers(0, 4), min_size=60, max_size=120))
@settings(max_examples=20, deadline=None)
def test_all_workers_together_stay_below_the_cap_and_every_event_is_kept_or_counted(
    tmp_path_factory: pytest.TempPathFactory, count_: int, turns: list[int]
) -> None:
    folder, one = tmp_path_factory.mktemp("spool"), frame("000")
    cap = 30 * (len(FILE_HEADER) + len(one))
    spools = [Spool(folder, 1, worker, workers=count_, total_bytes=cap) for worker in range(count_)]
    for number, turn in enumerate(turns):
        assert spools[turn % count_].append(frame(f"{number:03d}"))
        # A file may pass its size by the frame that closes it.
        assert sum(path.stat().st_size for path in folder.iterdir()) <= cap + count_ * len(one)
    for spool in spools:
        spool.close()
    assert len(names(folder)) + sum(spool.lost.events for spool in spools) == len(turns)


def test_a_replica_that_starts_over_overwrites_nothing_of_its_former_life(tmp_path: Path) -> None:
    for life in range(3):
        spool = Spool(tmp_path, 1, 0)
        spool.append(frame(f"life-{life}"))
        spool.close()
    assert names(tmp_path) == ["life-0", "life-1", "life-2"]


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    Spool(tmp_path / "spool", 1, 0).append(frame("a"))
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / "000001-000-000000.spool").stat().st_mode & 0o777 == 0o600


def test_foreign_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep")
    Spool(tmp_path, 1, 0, file_bytes=1, total_bytes=1).append(frame("a"))
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "notes.txt").read_text() == "keep"


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond `size` bytes of a file fail, as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [0, 5, 8, 20, 100, 300])
def test_a_full_disk_refuses_whole_frames_and_writing_resumes(tmp_path: Path, limit: int) -> None:
    """A frame that fits in part leaves nothing; what was taken is exactly what is read."""
    spool = Spool(tmp_path, 1, 0)
    with file_size_limit(limit):
        taken = [name for name in (f"full-{index}" for index in range(12)) if spool.append(frame(name))]
    assert spool.append(frame("after"))
    assert names(tmp_path) == [*taken, "after"]
    assert spool.size == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_refuses_and_resumes(tmp_path: Path) -> None:
    blocked = tmp_path / "spool"
    blocked.write_text("a file where the folder should be")
    spool = Spool(blocked, 1, 0)
    assert not spool.append(frame("lost"))
    blocked.unlink()
    assert spool.append(frame("kept"))
    assert names(blocked) == ["kept"]


WRITER = """
import itertools, sys, time
from pathlib import Path
from modelport.serving import shared
from modelport.serving.telemetry.flusher import Flusher
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.spool import Spool

segment = shared.Segment(int(sys.argv[2]), 1, 1, 1)
recorder = Recorder(segment, 0)
flusher = Flusher(recorder, Spool(Path(sys.argv[1]), 1, 0, file_bytes=65536), segment, 0)
flusher.start()
for index in itertools.count():
    at = int(time.time() * 1000)
    recorder.batch("churn:1", at, "native", [str(index)], [1], [1], "ok", [None])
    if index % 100 == 0:
        print(index, at, flush=True)
        time.sleep(0.002)
"""


def test_a_killed_writer_loses_less_than_a_second_and_every_event_is_accounted_for(tmp_path: Path) -> None:
    """kill -9 under load: what is read is a whole prefix, and its successor settles the counters exactly."""
    segment = shared.Segment.create(1, 1, 1)
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(segment.fd)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[segment.fd])
    assert child.stdout is not None
    progress: list[tuple[int, int]] = []
    while not progress or progress[-1][1] - progress[0][1] < 2000:
        index, at = child.stdout.readline().split()
        progress.append((int(index), int(at)))
    killed = time.time() * 1000
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    reports: list[FrameError] = []
    found = [event for event in read_spool(tmp_path, reports.append) if isinstance(event, PredictionEvent)]
    assert [event.prediction_id for event in found] == [str(index) for index in range(len(found))]
    older = [index for index, at in progress if at < killed - 1000]
    assert len(found) > max(older)
    assert len(reports) <= 1

    successor = Flusher(Recorder(segment, 0), Spool(tmp_path, 2, 0), segment, 0)
    successor.start()
    successor.close()
    cells = segment.cells
    assert cells[shared.EVENTS] > max(older)
    assert cells[shared.EVENTS_WRITTEN] == len(found)
    assert cells[shared.EVENTS] == len(found) + cells[shared.EVENTS_DROPPED]
    segment.close()


def test_counting_a_torn_file_counts_its_whole_frames(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1, 0)
    spool.append(frame("a", "b"))
    spool.append(frame("c"))
    spool.close()
    path = tmp_path / "000001-000-000000.spool"
    os.truncate(path, path.stat().st_size - 1)
    assert count(path) == Count(2, 0)
