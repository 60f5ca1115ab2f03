"""Spool files of replicas on other machines, as they ship them: appended at the place where they ended.

A replica sends whole frames with the offset at which they stand; what is there already is not written twice,
and what would leave a hole is not written. The answer says how far the file goes, so either side may forget.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from modelport.core.names import check_name
from modelport.errors import BadRequest, DiskFull

TOTAL_BYTES = 4 << 30
"""Most bytes that all shipped spools take together."""
_FILE = re.compile(r"\d{6,12}-\d{3,6}-\d{6,12}\.spool")


class Spools:
    """The folder of shipped spools: `{fleet}/{replica}/{file}`. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def folder(self, fleet: str, replica: str) -> Path:
        """Where the files of a replica lie; raises `NameInvalid`."""
        return self._folder / check_name(fleet, "fleet") / check_name(replica, "replica")

    def append(self, fleet: str, replica: str, file: str, offset: int, frames: bytes) -> int:
        """Write frames that begin at `offset`; how far the file goes now.

        Raises `BadRequest` (`bad-spool-file`), and `DiskFull` (`spool-full`) beyond four gigabytes.
        """
        folder = self.folder(fleet, replica)
        if not _FILE.fullmatch(file):
            msg = f"{file[:80]!r} is not the name of a spool file"
            raise BadRequest(msg, code="bad-spool-file", hint="as in 000001-000-000000.spool")
        with self._lock:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_room(len(frames))
            return _append(folder / file, offset, frames)

    def _check_room(self, more: int) -> None:
        there = sum(path.stat().st_size for path in self._folder.rglob("*.spool"))
        if there + more > TOTAL_BYTES:
            msg = "no room is left for what replicas recorded"
            raise DiskFull(msg, code="spool-full", hint="it is taken again when older files are gone")


def _append(path: Path, offset: int, frames: bytes) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        new = frames[size - offset :] if offset <= size < offset + len(frames) else b""
        if new:
            os.lseek(descriptor, size, os.SEEK_SET)
            _write_all(descriptor, new)
            os.fsync(descriptor)
        return size + len(new)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
