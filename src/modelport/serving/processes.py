"""What the operating system tells about a process of this replica, and how many there are to be."""

from __future__ import annotations

import os
from pathlib import Path

from modelport.serving.settings import Settings

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_USER, _SYSTEM = 11, 12  # fields behind the command name in /proc/<pid>/stat, counted from its state


def cpu_seconds(pid: int) -> float | None:
    """Processor seconds of a process, user and system; None where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def worker_count(settings: Settings) -> int:
    """How many workers the settings ask for; 0 means one per core that this process may use."""
    if settings.workers:
        return settings.workers
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
