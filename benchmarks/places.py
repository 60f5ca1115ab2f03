"""Where things lie. Everything a run makes is under `.bench/`, which is not part of the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
STATE = ROOT / ".bench"
ENVIRONMENTS = STATE / "envs"
FIXTURES = STATE / "fixtures"
RESULTS = STATE / "results"
WORK = STATE / "work"
PAGE = ROOT / "docs" / "benchmarks.md"
