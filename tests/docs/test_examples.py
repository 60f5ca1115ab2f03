"""What the documentation shows is true: its Python runs, its links lead somewhere, its examples work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.docs import shown
from tests.docs.shown import FENCE

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [*(ROOT / "docs" / "guides").rglob("*.md"), *(ROOT / "docs" / "architecture").rglob("*.md")]
RUN = sorted([README, *PAGES])
LINKED = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as they are rendered on the web."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    lost = []
    for target in _LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (fragment and path.suffix == ".md" and fragment not in anchors(path)):
            lost.append(target)
    return lost


@pytest.mark.parametrize("page", [page for page in RUN if any(shown.steps(page))], ids=named)
def test_what_a_page_shows_works(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A page is one namespace, run from top to bottom in an empty folder, or in that of the platform it has
    up; what it serves is really served, and what it types is typed. What it enters into `closing` is left
    with the page.
    """
    todo = list(shown.steps(page))
    places: dict[str, str] = {}
    if any(step.kind == "up" for step in todo):
        platform: shown.Platform = request.getfixturevalue("platform")
        places |= {shown.SERVED: platform.url, shown.CONTROL: platform.control}
    monkeypatch.chdir(platform.folder if places else tmp_path)
    with ExitStack() as closing:
        space: dict[str, object] = {"__name__": "page", "closing": closing}
        for step in todo:
            match step.kind:
                case "served":
                    places[shown.SERVED] = closing.enter_context(shown.serving(step.text))
                case "typed":
                    shown.typed(step.text, places)
                case "python":
                    shown.run(step.text, str(page), step.line, space, places)


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
