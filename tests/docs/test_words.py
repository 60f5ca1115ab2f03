"""Every key of the documents, and every guard, has a test that observes it, and the page names it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from modelport.control.documents import schema
from modelport.control.judging.level import GUARDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "documents.md").read_text("utf-8")
KEYS = sorted({key for form in schema()["$defs"].values() for key in form["properties"]} | {*GUARDS})


def observed() -> dict[str, list[str]]:
    """Tests by key, as the page's table of them has it."""
    section = PAGE.partition("\n## What a test observes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| .* \| (.*) \|$", section, re.MULTILINE)
    return {key: re.findall(r"`(tests/[^`]+)`", tests) for key, tests in rows}


@cache
def functions(path: Path) -> frozenset[str]:
    """The test functions of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_key_has_a_row_in_the_table_and_nothing_else_has_one() -> None:
    assert sorted(observed()) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_the_tests_that_observe_a_key_are_there(key: str) -> None:
    named = observed()[key]
    assert named, f"no test observes {key!r}"
    for each in named:
        file, _, name = each.partition("::")
        assert name in functions(ROOT / file), each
