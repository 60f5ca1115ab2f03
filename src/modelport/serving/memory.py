"""Memory that was freed goes back to the system, not only to the allocator."""

from __future__ import annotations

import ctypes


def give_back() -> bool:
    """Ask glibc to return what is free (`malloc_trim(3)`); False where the C library has no such call.

    Takes milliseconds per gigabyte: for a thread, after a model has gone.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    return bool(trim(ctypes.c_size_t(0)))
