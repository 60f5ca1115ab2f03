"""The few kernel calls the sandbox makes that Python has no name for. Linux only."""

from __future__ import annotations

import ctypes
import os

_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _SET_NO_NEW_PRIVS, _CAP_AMBIENT = 1, 4, 24, 38, 47
_CAP_AMBIENT_CLEAR_ALL = 4
_CAP_VERSION_3 = 0x2008_0522
_SIGKILL = 9


def libc() -> ctypes.CDLL:
    """The C library, with errno kept."""
    return ctypes.CDLL(None, use_errno=True)


def check(result: int) -> int:
    """The result of a call, or the `OSError` that errno names."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, *arguments: int | ctypes.c_void_p) -> None:
    """prctl(2) with up to four arguments. Raises `OSError`."""
    given = [value if isinstance(value, ctypes.c_void_p) else ctypes.c_ulong(value) for value in arguments]
    given += [ctypes.c_ulong(0)] * (4 - len(given))
    check(libc().prctl(option, *given))


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends."""
    prctl(_SET_PDEATHSIG, _SIGKILL)


def forget_privileges() -> None:
    """No new privileges, no capabilities, and not dumpable, so that nobody can attach."""
    prctl(_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    prctl(_SET_DUMPABLE, 0)


def _drop_capabilities() -> None:
    prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            prctl(_CAPBSET_DROP, capability)
        except OSError:  # EINVAL: past the last one; EPERM: no right to drop, so none to use
            break
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0)
    check(libc().capset(header, (ctypes.c_uint32 * 6)()))
