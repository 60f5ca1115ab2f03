"""The page of fault cases names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "cases.md").read_text("utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`( \(slow\))?")
NUMBERS = {*range(41, 57), *range(70, 81)}


def marks(file: str) -> dict[str, bool]:
    """Whether it is marked slow, by test of a file."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    whole = any(
        "slow" in ast.unparse(each) for each in tree.body if ast.unparse(each).startswith("pytestmark")
    )
    return {
        each.name: whole or any("slow" in ast.unparse(mark) for mark in each.decorator_list)
        for each in tree.body
        if isinstance(each, ast.FunctionDef)
    }


def test_every_test_that_a_case_names_is_there_and_as_slow_as_is_said() -> None:
    named = {(file, test): bool(slow) for file, test, slow in TEST.findall(PAGE)}
    known = {file: marks(file) for file, _ in named}
    assert {(file, test): known[file].get(test) for file, test in named} == named


def test_every_case_has_a_row_and_is_shown_or_not_built_yet() -> None:
    rows = {int(found[1]): line for line in PAGE.splitlines() if (found := re.match(r"\| (\d+) \|", line))}
    assert rows.keys() == NUMBERS
    assert all(TEST.search(line) or "not built yet" in line for line in rows.values())
