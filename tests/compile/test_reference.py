"""The page of compilers counts what the tests prove."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/compilers.md"
ROW = re.compile(r"^\|[^|]+\|[^|]+\| (\d+) \| `(test_\w+)` \|$", re.MULTILINE)


def _collected() -> Counter[str]:
    chosen = ["-m", "not slow"]  # also what needs heavy libraries, and what needs an environment of its own
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *chosen, "tests/compile"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return Counter(re.findall(r"::(test_\w+)", listed))


@pytest.mark.extras  # all of them can be collected only with their libraries
def test_every_family_has_as_many_models_as_the_page_says() -> None:
    page = PAGE.read_text()
    claimed = {name: int(count) for count, name in ROW.findall(page)}
    assert len(claimed) > 10
    assert f"**{sum(claimed.values())} models**" in page
    collected = _collected()
    assert claimed == {name: collected[name] for name in claimed}
