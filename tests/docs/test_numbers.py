"""The numbers of the README are those of the last benchmark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = {
    "a row of 30 numbers, logistic regression": "One row, logistic regression",
    "a row of 30 numbers, forest of 100 trees": "One row, random forest of 100 trees",
    "a text of 200 characters, TF-IDF and a linear model": "TF-IDF + linear, 200-character texts",
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def told() -> Iterator[tuple[str, str, str]]:
    """Row, peer and ratio of every cell of the README's table."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## Numbers")[2].partition("\n## ")[0]
    lines = [cells(line) for line in section.splitlines() if line.startswith("|")]
    peers = lines[0][1:]
    for row, *ratios in lines[2:]:
        yield from ((row, peer, ratio) for peer, ratio in zip(peers, ratios, strict=True))


def measured(title: str) -> dict[str, str]:
    """Ratio by peer, as the benchmark's page has it: the number before the spread of its last column."""
    page = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [cells(line) for line in section.splitlines() if line.startswith("|")]
    return {row[0]: row[-1].split(" ")[0] for row in rows if re.match(r"[\d.]+ \(", row[-1])}


def test_every_ratio_of_the_readme_was_measured() -> None:
    found = list(told())
    assert len(found) == 18
    for row, peer, ratio in found:
        assert measured(ROWS[row]).get(peer, "-") == ratio, (row, peer)
