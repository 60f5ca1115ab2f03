"""What the C library knows of memory: how much is in use, and giving back what is not."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


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
