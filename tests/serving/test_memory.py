"""What a model that has gone took is the system's again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelport.serving.memory import give_back


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif("glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""), reason="glibc's allocator only")
def test_freed_memory_between_what_is_kept_goes_back() -> None:
    blocks = [b"x" * (4000 + place % 7) for place in range(50_000)]
    kept = blocks[::100]  # so that the heap cannot shrink from its end
    del blocks
    before = resident()
    assert give_back()
    assert resident() < before - 100_000_000
    assert len(kept) == 500
