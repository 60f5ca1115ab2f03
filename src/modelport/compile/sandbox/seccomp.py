"""A seccomp filter: the kernel refuses the calls that computing never needs.

What is refused fails with EPERM, so honest libraries fall back and dishonest ones get an exception. Numbers
are those of the kernel's tables for x86_64 and aarch64; on other machines there is no filter, and the sandbox
counts as missing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from modelport.compile.sandbox import kernel
from modelport.compile.sandbox.calls import DENIED

_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x0001_0000
_X32 = 0x4000_0000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class _Machine:
    column: int
    arch: int
    clone: int
    clone3: int
    tgkill: int
    prlimit: int
    prctl: int


_MACHINES = {
    "x86_64": _Machine(0, 0xC000_003E, clone=56, clone3=435, tgkill=234, prlimit=302, prctl=157),
    "aarch64": _Machine(1, 0xC000_00B7, clone=220, clone3=435, tgkill=131, prlimit=261, prctl=167),
}


def supported() -> bool:
    """Whether this machine has a filter of ours."""
    return platform.machine() in _MACHINES and struct.calcsize("P") == 8


def install() -> None:
    """Put the filter on the calling thread and all it starts, for good.

    Needs `kernel.forget_privileges` first. Raises `OSError` where the kernel has no seccomp.
    """
    code = b"".join(_program(_MACHINES[platform.machine()], os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer)))
    kernel.prctl(_SET_SECCOMP, _FILTER, ctypes.c_void_p(ctypes.addressof(program)))


def _program(machine: _Machine, pid: int) -> Iterator[bytes]:
    """The filter: one comparison after the other, each with its verdict right behind it."""
    yield _step(_LOAD, _ARCH)
    yield from _unless(_EQUAL, machine.arch, _KILL)
    yield _step(_LOAD, _NUMBER)
    if machine.column == 0:  # the x32 calls are other doors to the same rooms
        yield from _when(_AT_LEAST, _X32, _refusal(errno.EPERM))
    for numbers in DENIED.values():
        number = numbers[machine.column]
        if number is not None:
            yield from _when(_EQUAL, number, _refusal(errno.EPERM))
    # clone3 hides its flags in memory; without it, the C library asks with clone.
    yield from _when(_EQUAL, machine.clone3, _refusal(errno.ENOSYS))
    yield from _argument(machine.clone, _ANY_BIT, _CLONE_THREAD, allow=True)
    yield from _argument(machine.tgkill, _EQUAL, pid, allow=True)
    yield from _argument(machine.prlimit, _EQUAL, 0, allow=True)
    yield from _argument(machine.prctl, _EQUAL, _PR_SET_PDEATHSIG, allow=False)
    yield _step(_RETURN, _ALLOW)


def _argument(number: int, test: int, value: int, *, allow: bool) -> Iterator[bytes]:
    """A call that is allowed, or refused, by its first argument."""
    refusal = _refusal(errno.EPERM)
    yield _step(_EQUAL, number, 0, 4)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield _step(test, value, 0, 1)
    yield _step(_RETURN, _ALLOW if allow else refusal)
    yield _step(_RETURN, refusal if allow else _ALLOW)


def _when(test: int, value: int, verdict: int) -> Iterator[bytes]:
    yield _step(test, value, 0, 1)
    yield _step(_RETURN, verdict)


def _unless(test: int, value: int, verdict: int) -> Iterator[bytes]:
    yield _step(test, value, 1, 0)
    yield _step(_RETURN, verdict)


def _refusal(number: int) -> int:
    return _ERRNO | number


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)
