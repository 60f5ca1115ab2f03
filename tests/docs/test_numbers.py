"""The numbers of the README are those that were measured last."""

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

JUDGED = {
    "fails 3 % instead of 0.5 %": "errors 0.5 % to 3 %",
    "answers 1.5 times as slowly": "latencies × 1.5",  # noqa: RUF001 - as the chapter has it
    "is right in 87 % instead of 92 %": "accuracy 92 % to 87 %",
    "is as good": "nothing is wrong",
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def tables(text: str) -> list[list[list[str]]]:
    """The cells of every table in a text, without the line below its head."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[cells(line) for line in table.splitlines() if not line.startswith("|---")] for table in found]


def told() -> list[list[list[str]]]:
    """The README's tables: of speed, and of judges."""
    return tables((ROOT / "README.md").read_text("utf-8").partition("## Numbers")[2].partition("\n## ")[0])


def ratios() -> Iterator[tuple[str, str, str]]:
    """Row, peer and ratio of every cell of the table of speed."""
    (_, *peers), *rows = told()[0]
    for row, *found in rows:
        yield from ((row, peer, ratio) for peer, ratio in zip(peers, found, strict=True))


def measured(title: str) -> dict[str, str]:
    """Ratio by peer, as the benchmark's page has it: the number before the spread of its last column."""
    page = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [cells(line) for line in section.splitlines() if line.startswith("|")]
    return {row[0]: row[-1].split(" ")[0] for row in rows if re.match(r"[\d.]+ \(", row[-1])}


def test_every_ratio_of_the_readme_was_measured() -> None:
    found = list(ratios())
    assert len(found) == 18
    for row, peer, ratio in found:
        assert measured(ROWS[row]).get(peer, "-") == ratio, (row, peer)


def test_how_a_canary_is_judged_is_told_as_it_was_measured() -> None:
    """A number in a cell of the README stands in the same cell of the chapter."""
    chapter = (ROOT / "docs/architecture/09-statistics.md").read_text("utf-8").partition("### Beside")[2]
    page = {row[0]: row[1:] for row in tables(chapter)[0]}
    (_, *judges), *rows = told()[1]
    assert len(judges) == 3
    assert [row[0] for row in rows] == list(JUDGED)
    for row, *found in rows:
        for cell, known in zip(found, page[JUDGED[row]], strict=True):
            assert set(re.findall(r"[\d.,]+", cell)) <= set(re.findall(r"[\d.,]+", known)), (row, cell, known)
