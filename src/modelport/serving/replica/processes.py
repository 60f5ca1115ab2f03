"""What the operating system tells about a process of this replica, and how many there are to be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from modelport.serving.settings import Settings

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_STATE, _USER, _SYSTEM, _PAGES = 0, 11, 12, 21
"""Fields behind the command name in /proc/<pid>/stat, counted from its state."""
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_CGROUP = Path("/sys/fs/cgroup/memory.max")


class Glimpse(NamedTuple):
    """A process as it is now: resident bytes, and whether it was stopped by a signal."""

    resident: int
    stopped: bool


def cpu_seconds(pid: int) -> float | None:
    """Processor seconds of a process, user and system; None where the system does not tell."""
    fields = _fields(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS if fields else None


def glimpse(pid: int) -> Glimpse | None:
    """What a process holds and does; None where the system does not tell."""
    fields = _fields(pid)
    return Glimpse(int(fields[_PAGES]) * _PAGE, fields[_STATE] in {b"T", b"t"}) if fields else None


def memory() -> int:
    """Bytes of memory of this machine, or of the container this process is in; 0 where nobody tells."""
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * _PAGE
    except (AttributeError, ValueError, OSError):
        machine = 0
    try:
        return min(int(_CGROUP.read_bytes()), machine)
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return machine


def worker_count(settings: Settings) -> int:
    """How many workers the settings ask for; 0 means one per core that this process may use."""
    return settings.workers or cores()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fields(pid: int) -> list[bytes]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return []
    return stat[stat.rindex(b")") + 2 :].split()
