"""What a sandboxed process may use, and how that is put on it."""

from __future__ import annotations

import resource

import msgspec

GIB = 1 << 30


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Most of everything.

    Attributes:
        memory: address space, bytes.
        cpu: processor time, seconds.
        wall: real time, seconds; then the whole process group is killed.
        output: bytes it may hand back.
        scratch: bytes it may write to its own temporary folder (where the sandbox has one).
        files: open files.
        threads: threads beside those the user already runs.
    """

    memory: int = 4 * GIB
    cpu: int = 300
    wall: float = 300.0
    output: int = 2 * GIB
    scratch: int = 64 << 20
    files: int = 256
    threads: int = 64


def apply(limits: Limits, *, scratch: int, processes: int) -> None:
    """Put the limits on the calling process, for good: soft and hard alike, except one second to die in.

    `scratch` is the largest file it may write; `processes` bounds its user's threads.
    """
    _set(resource.RLIMIT_AS, limits.memory)
    _set(resource.RLIMIT_CPU, limits.cpu, limits.cpu + 1)
    _set(resource.RLIMIT_NOFILE, limits.files)
    _set(resource.RLIMIT_FSIZE, scratch)
    _set(resource.RLIMIT_NPROC, processes)
    _set(resource.RLIMIT_CORE, 0)


def _set(kind: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(kind)[1]
    wanted = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:  # a limit can be lowered, never raised
        soft, wanted = min(soft, ceiling), min(wanted, ceiling)
    resource.setrlimit(kind, (soft, wanted))
