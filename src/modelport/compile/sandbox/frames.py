"""How a sandboxed process hands files back: a stream of named byte strings, counted while they arrive.

The process has nowhere to write to. What it answers comes through one pipe, and the reader stops at its own
limits, whatever the process claims.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from modelport.bundle import contain
from modelport.errors import BundleRefused, SandboxError

_HEAD = struct.Struct(">4sHQ")
_MAGIC = b"MPF1"
_MAX_FRAMES = 2048
_MAX_REPORT = 64 << 10
DONE, FAILED = "!done", "!failed"
"""Names of the last frame: the work is done, or a JSON report of what went wrong."""


def write(stream: BinaryIO, name: str, data: bytes) -> None:
    """Send one frame."""
    raw = name.encode()
    stream.write(_HEAD.pack(_MAGIC, len(raw), len(data)) + raw)
    stream.write(data)
    stream.flush()


class Receiver:
    """Takes the stream apart and writes its files below `into`, which holds nothing else.

    Attributes:
        names: files received whole.
        ended: name of the last frame, `DONE` or `FAILED`; empty until it came.
        report: content of the last frame.
    """

    def __init__(self, into: Path, limit: int) -> None:
        self.names: list[str] = []
        self.ended = ""
        self.report = b""
        self._into = into
        self._room = limit
        self._buffer = bytearray()
        self._left = 0
        self._file: BinaryIO | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises `SandboxError`: `sandbox-output` over a limit or against the form."""
        self._room -= len(chunk)
        if self._room < 0:
            msg = "handed back more than it may"
            raise _refused(msg)
        self._buffer += chunk
        while self._buffer and not self.ended:
            if self._file is None and not self._open():
                return
            self._fill()

    def close(self) -> None:
        """Close what is still open."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> bool:
        """Begin the next frame if its head is there."""
        if len(self._buffer) < _HEAD.size:
            return False
        magic, size, self._left = _HEAD.unpack_from(self._buffer)
        if magic != _MAGIC or size > contain.MAX_NAME:
            msg = "answered in a form that is not ours"
            raise _refused(msg)
        if len(self._buffer) < _HEAD.size + size:
            return False
        name = bytes(self._buffer[_HEAD.size : _HEAD.size + size]).decode("ascii", "replace")
        if name not in (DONE, FAILED):
            del self._buffer[: _HEAD.size + size]
            self._file = self._create(name)
            return True
        return self._finish(name, _HEAD.size + size)

    def _finish(self, name: str, head: int) -> bool:
        if self._left > _MAX_REPORT:
            msg = "answered in a form that is not ours"
            raise _refused(msg)
        if len(self._buffer) >= head + self._left:
            self.ended, self.report = name, bytes(self._buffer[head : head + self._left])
        return False

    def _fill(self) -> None:
        assert self._file is not None
        part = self._buffer[: self._left]
        self._file.write(part)
        del self._buffer[: len(part)]
        self._left -= len(part)
        if not self._left:
            self._file.close()
            self._file = None

    def _create(self, name: str) -> BinaryIO:
        if len(self.names) >= _MAX_FRAMES:
            msg = "handed back too many files"
            raise _refused(msg)
        try:
            parts = contain.components(name)
        except BundleRefused as error:
            msg = "handed back a file with a refused name"
            raise _refused(msg) from error
        self.names.append(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with contain.folder(self._into) as root, contain.parent_of(root, parts, create=True) as parent:
            return os.fdopen(os.open(parts[-1], flags, 0o600, dir_fd=parent), "wb")


def _refused(what: str) -> SandboxError:
    return SandboxError(f"the sandboxed process {what}", code="sandbox-output")
