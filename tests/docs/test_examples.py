"""What the documentation shows is true: its Python runs, its links lead somewhere, its examples work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RUN = sorted([README, *(ROOT / "docs" / "guides").rglob("*.md")])
LINKED = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run(?:: [^>]+)? -->\s*\Z")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every Python block that is not marked `<!-- not run -->`."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        if found[1] == "python" and not _NOT_RUN.search(text[: found.start()]):
            yield text.count("\n", 0, found.start()) + 2, found[2]


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as they are rendered on the web."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    lost = []
    for target in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (fragment and path.suffix == ".md" and fragment not in anchors(path)):
            lost.append(target)
    return lost


@pytest.mark.parametrize("page", [page for page in RUN if any(blocks(page))], ids=named)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is one namespace, run from top to bottom in an empty folder."""
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {"__name__": "page"}
    for line, text in blocks(page):
        exec(compile("\n" * (line - 1) + text, str(page), "exec"), space)


@pytest.mark.parametrize("page", LINKED, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_every_page_can_be_found_from_the_index() -> None:
    """`docs/README.md` links to every page, or to the folder's own index."""
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")} - {
        "README.md"
    }
    assert {page for page in pages if f"({page})" not in index} == set()


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    """As a reader would run it, in an empty folder."""
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    ended = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert list(tmp_path.glob("*.bundle"))
