"""The spool: append files of one worker, and how to read those of all workers.

A file is named `{incarnation}-{worker}-{sequence}.spool`, so that names sort in the order of events; clocks
do not. Writing never raises: a frame that cannot be written is refused, and the next one tries anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from modelport.core.telemetry import PayloadEvent, PredictionEvent
from modelport.serving.log import note
from modelport.serving.telemetry.frames import FILE_HEADER, FrameError, expand, frames

MIB = 1024 * 1024
FILE_BYTES = 16 * MIB
"""A file that has reached this size is closed and another begun."""
TOTAL_BYTES = 1024 * MIB
"""Most bytes that all workers keep together; over it, the oldest file goes."""

_NAME = re.compile(r"(\d{6,})-(\d{3,})-(\d{6,})\.spool")


class Place(NamedTuple):
    """Where a file stands in the order of events."""

    incarnation: int
    worker: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.incarnation:06d}-{self.worker:03d}-{self.sequence:06d}.spool"


class Count(NamedTuple):
    """How many events and payloads."""

    events: int
    payloads: int

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(self.events + other.events, self.payloads + other.payloads)


NOTHING = Count(0, 0)


class Spool:
    """The files of one worker. Used by one thread at a time; no method raises `OSError`.

    Args:
        folder: made when it is missing, for this user alone.
        incarnation, worker: name the files.
        workers: how many write to this folder, each a file at a time.
        file_bytes: size at which the next file begins; less when so many files would not fit below the cap.
        total_bytes: cap over all files of the folder, of other workers and earlier incarnations too.

    Attributes:
        size: bytes on disk in files of this worker, as of its last file.
        lost: events and payloads that were written, by whomever, and that this worker deleted to stay below
            the cap.
    """

    def __init__(
        self,
        folder: Path,
        incarnation: int,
        worker: int,
        *,
        workers: int = 1,
        file_bytes: int = FILE_BYTES,
        total_bytes: int = TOTAL_BYTES,
    ) -> None:
        self._folder = folder
        self._file_bytes = max(1, min(file_bytes, total_bytes // (2 * workers)))
        self._total_bytes = total_bytes - (workers - 1) * self._file_bytes  # the others may be writing
        self._place = Place(incarnation, worker, 0)
        self._fd = -1
        self._written = 0
        self.size = 0
        self.lost = NOTHING

    def append(self, frame: bytes) -> bool:
        """Write one whole frame; False when the disk did not take it, and nothing of it is left."""
        try:
            if self._fd < 0:
                self._begin(len(frame))
            _write_all(self._fd, frame)
        except OSError:
            self._abandon()
            return False
        self._written += len(frame)
        self.size += len(frame)
        if self._written >= self._file_bytes:
            self.close()
        return True

    def close(self) -> None:
        """Close the file being written; the next frame begins another."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _begin(self, room: int) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = places(self._folder)
        self._make_room(there, room)
        mine = [place for place in there if place.worker == self._place.worker]
        self._place = self._place._replace(sequence=_next_sequence(mine, self._place.incarnation))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._folder / str(self._place), flags, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # while it is written nobody deletes it
        self._written = 0
        _write_all(self._fd, FILE_HEADER)
        self._written = len(FILE_HEADER)
        self.size += self._written

    def _make_room(self, there: list[Place], room: int) -> None:
        """Delete the oldest files until a whole further one fits below the cap."""
        sizes = {place: _size(self._folder / str(place)) for place in there}
        for place in there:
            if sum(sizes.values()) + max(self._file_bytes, room) <= self._total_bytes:
                break
            inside = _delete(self._folder / str(place))
            if inside is not None:
                self.lost = self.lost.plus(inside)
                sizes[place] = 0
        self.size = sum(size for place, size in sizes.items() if place.worker == self._place.worker)

    def _abandon(self) -> None:
        """Cut the file back to its last whole frame, so that only a crash leaves a torn one."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError):
            if self._written <= len(FILE_HEADER):
                (self._folder / str(self._place)).unlink(missing_ok=True)
                self.size -= self._written
            else:
                os.ftruncate(self._fd, self._written)
        self.close()


def places(folder: Path) -> list[Place]:
    """Every spool file of a folder, in the order of events; other files are not ours."""
    found = (_NAME.fullmatch(entry.name) for entry in folder.iterdir())
    return sorted(Place(int(name[1]), int(name[2]), int(name[3])) for name in found if name)


def count(path: Path) -> Count:
    """How many events and payloads the whole frames of a file hold."""
    total = NOTHING
    with contextlib.suppress(FrameError, OSError), path.open("rb") as file:
        for frame in frames(file):
            total = total.plus(Count(frame.events, frame.payloads))
    return total


def _delete(path: Path) -> Count | None:
    """Delete a file that nobody writes, and say what was in it; None when it is written, or already gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(descriptor).st_nlink:
            return None
        inside = count(path)
        path.unlink()
    except BlockingIOError:
        return None
    finally:
        os.close(descriptor)
    return inside


def log_damage(damage: FrameError) -> None:
    """Say it in the log."""
    note("spool damaged", logging.WARNING, file=damage.file, offset=damage.offset, reason=damage.reason)


def read_spool(
    folder: Path, damaged: Callable[[FrameError], None] = log_damage
) -> Iterator[PredictionEvent | PayloadEvent]:
    """Every event of a folder in order of (incarnation, worker, sequence).

    Reading a file that is still written is fine: it ends at the last whole frame. Where a file cannot be
    read further (torn by a crash, or damaged), `damaged` is told once and reading goes on with the next
    file; no part of a frame that does not hold is ever returned.
    """
    for place in places(folder):
        try:
            yield from _read_file(folder / str(place))
        except FrameError as damage:
            damaged(FrameError(damage.offset, damage.reason, str(place)))


def _read_file(path: Path) -> Iterator[PredictionEvent | PayloadEvent]:
    with path.open("rb") as file:
        start = len(FILE_HEADER)
        for frame in frames(file):
            yield from expand(frame, start)
            start = frame.end


def _next_sequence(mine: list[Place], incarnation: int) -> int:
    """Never a name that exists: a replica that starts over may meet files of its former life."""
    return max((place.sequence for place in mine if place.incarnation == incarnation), default=-1) + 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
