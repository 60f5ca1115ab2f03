"""What the documentation shows is true: its Python runs, its links lead somewhere, its examples work."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [*(ROOT / "docs" / "guides").rglob("*.md"), *(ROOT / "docs" / "architecture").rglob("*.md")]
RUN = sorted([README, *PAGES])
LINKED = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SERVED = "http://127.0.0.1:8000"
"""Where pages say that a server is; a free port stands in for it."""

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PREPARED = re.compile(r"^<!-- prepared\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run(?:: [^>]+)? -->\s*\Z")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def steps(page: Path) -> Iterator[tuple[int, str, str]]:
    """Line, kind and text of what is done: Python that is not marked `<!-- not run -->`, and servers
    that are marked `<!-- served -->`. What a page takes as given comes first: Python in a comment that
    begins with `prepared`, which readers do not see.
    """
    text = page.read_text()
    for found in _PREPARED.finditer(text):
        yield text[: found.start()].count("\n") + 2, "python", found[1]
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        if found[1] == "python" and not _NOT_RUN.search(before):
            yield before.count("\n") + 2, "python", found[2]
        elif before.endswith("<!-- served -->\n"):
            yield before.count("\n") + 2, "served", found[2]


@contextmanager
def serving(command: str) -> Iterator[str]:
    """The server of a `modelport serve` command, on a free port; its address."""
    words = [*shlex.split(command)[1:], "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "modelport.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            found = re.search(r"http://\S+", said)
            assert found, said
            yield found[0]
        finally:
            server.terminate()


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


@pytest.mark.parametrize("page", [page for page in RUN if any(steps(page))], ids=named)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is one namespace, run from top to bottom in an empty folder; what it serves is really served.

    What it enters into `closing` is left with the page.
    """
    monkeypatch.chdir(tmp_path)
    url = SERVED
    with ExitStack() as closing:
        space: dict[str, object] = {"__name__": "page", "closing": closing}
        for line, kind, text in steps(page):
            if kind == "served":
                url = closing.enter_context(serving(text))
                continue
            code = "\n" * (line - 1) + text.replace(SERVED, url)
            exec(compile(code, str(page), "exec"), space)


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
