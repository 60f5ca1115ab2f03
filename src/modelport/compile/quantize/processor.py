"""What this machine's processor has for arithmetic in 8 and 16 bits: a fact for the evidence, not a choice.

Graphs are made so that they answer alike with and without it: see `graphs.int8_dynamic`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

_INT8 = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp")
_WIDE = ("avx512f", "avx2", "asimd")


class Processor(msgspec.Struct, frozen=True):
    """A processor's name, its number of cores, and those of its features that decide what precision costs."""

    name: str
    cores: int
    features: tuple[str, ...]

    @property
    def says(self) -> str:
        """For people: whether 8-bit products are added up without saturating."""
        fast = [each for each in self.features if each in _INT8]
        if fast:
            return f"8-bit dot products in hardware ({', '.join(fast)})"
        return "no 8-bit dot products in hardware (VNNI): int8 gains less here than on newer processors"


def processor(cpuinfo: str | None = None, cores: int | None = None) -> Processor:
    """This machine's, from /proc/cpuinfo; empty where the system does not tell."""
    import os
    import platform

    lines = (_told() if cpuinfo is None else cpuinfo).splitlines()
    known = dict(_field(line) for line in reversed(lines) if ":" in line)
    flags = set(known.get("flags", known.get("Features", "")).split())
    found = tuple(each for each in (*_INT8, *_WIDE) if each in flags)
    name = known.get("model name", platform.machine())
    return Processor(name, cores or len(os.sched_getaffinity(0)), found)


def _told() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
