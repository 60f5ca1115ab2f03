"""What a sandboxed process sees of this machine: the interpreter, its libraries, and nobody's files."""

from __future__ import annotations

import sys
from pathlib import Path

import modelport

PACKAGE = Path(modelport.__file__).resolve().parent

_SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/local/lib", "/usr/share/zoneinfo", "/lib", "/lib64")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime")
HARDWARE = (Path("/proc/cpuinfo"), Path("/proc/meminfo"), Path("/sys/devices/system/cpu"))
"""Read by numerical libraries to choose their kernels."""


def code() -> tuple[Path, ...]:
    """Files and folders of code: the interpreter's, installed packages, shared libraries, this package."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), Path(sys.base_exec_prefix)}
    # Never the prefix itself: somebody's may be their home.
    inner = [prefix / part for prefix in sorted(prefixes) for part in ("bin", "lib", "lib64", "pyvenv.cfg")]
    places = [*inner, PACKAGE, *map(Path, _SYSTEM), *map(Path, _SYSTEM_FILES)]
    return tuple(dict.fromkeys(place for place in places if place.exists()))
