"""What a library writes to a path, without a place to write to: the sandbox has none.

A library that writes holds Python's lock, so no Python code can empty the pipe meanwhile: the C library does.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

_NUL = 0
_FIRST = b" "


def written(write: Callable[[str], object]) -> bytes:
    """The text that `write` puts to the path it is given; it holds no NUL, and may begin with a space."""
    read_end, write_end = os.pipe()
    reader = _Reader(read_end)
    reader.start()
    try:
        os.write(write_end, _FIRST)
        while _waiting(read_end):  # only once C reads may anything that keeps the lock begin to write
            time.sleep(0.001)
        write(f"/proc/self/fd/{write_end}")
    finally:
        os.close(write_end)
        reader.join()
    return reader.text


class _Reader(Thread):
    """Reads a descriptor to its end in one call of C, and closes it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(daemon=True)
        self.text = b""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.fdopen.restype = ctypes.c_void_p
        self._libc.getdelim.restype = ctypes.c_ssize_t
        self._stream = ctypes.c_void_p(self._libc.fdopen(descriptor, b"rb"))

    def run(self) -> None:
        line, size = ctypes.c_void_p(), ctypes.c_size_t()
        length = self._libc.getdelim(ctypes.byref(line), ctypes.byref(size), _NUL, self._stream)
        if line.value is not None:
            self.text = ctypes.string_at(line, max(length, 0))
        self._libc.free(line)
        self._libc.fclose(self._stream)


def _waiting(descriptor: int) -> int:
    """Bytes that nobody has read."""
    count = bytearray(4)
    with suppress(OSError):
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return int.from_bytes(count, "little")
