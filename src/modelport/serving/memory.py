"""Memory of this process: how much is resident or in use, and giving back what is not."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any


def resident() -> int:
    """Resident memory of this process, in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def give_back() -> bool:
    """Ask glibc to return what is free (`malloc_trim(3)`); False where the C library has no such call.

    Takes milliseconds per gigabyte: for a thread, after a model has gone.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    return bool(trim(ctypes.c_size_t(0)))


class _Usage(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and later."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def allocated() -> int | None:
    """Bytes that this process has allocated and not freed (`mallinfo2(3)`, all arenas and mappings).

    Unlike resident memory it does not count what was freed and is kept for the next allocation: loading a
    second model into the holes that the first one left shows nothing in resident memory. None where the C
    library has no such call. Takes microseconds.
    """
    usage = _mallinfo()
    if usage is None:
        return None
    told = usage()
    return int(told.uordblks) + int(told.hblkhd)


@cache
def _mallinfo() -> Any:
    try:
        call = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return None
    call.restype = _Usage
    return call
