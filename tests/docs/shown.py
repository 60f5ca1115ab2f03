"""What a page of the documentation shows, as steps that can be carried out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from modelport.cli.app import app

SERVED, CONTROL = "http://127.0.0.1:8000", "http://127.0.0.1:8080"
"""Where pages say that a server and a control plane are; free ports stand in for them."""

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PREPARED = re.compile(r"^<!-- prepared\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run(?:: [^>]+)? -->\s*\Z")
_MARK = re.compile(r"<!-- (served|up|typed) -->\n\Z")


@dataclass(frozen=True)
class Platform:
    """A running `modelport up`: its folder, and where it answers."""

    folder: Path
    url: str
    control: str


@dataclass(frozen=True)
class Step:
    """Something that a page does: `python`; `served`, a server; `up`, a platform; `typed`, commands."""

    line: int
    kind: str
    text: str


def steps(page: Path) -> Iterator[Step]:
    """What is done: Python that is not marked `<!-- not run -->`, and what is marked with another kind.

    What a page takes as given comes first: Python in a comment that begins with `prepared`, which readers do
    not see.
    """
    text = page.read_text()
    for found in _PREPARED.finditer(text):
        yield Step(text[: found.start()].count("\n") + 2, "python", found[1])
    for found in FENCE.finditer(text):
        before = text[: found.start()]
        line, mark = before.count("\n") + 2, _MARK.search(before)
        if mark:
            yield Step(line, mark[1], found[2])
        elif found[1] == "python" and not _NOT_RUN.search(before):
            yield Step(line, "python", found[2])


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


def typed(commands: str, places: Mapping[str, str]) -> None:
    """Type what a page shows, line by line; every command has to go well."""
    for line in commands.replace("\\\n", " ").splitlines():
        words = shlex.split(_placed(line, places), comments=True)
        if not words:
            continue
        assert words[0] == "modelport", f"pages type commands of ours only: {line}"
        if "--url" not in words and words[1] == "predict":
            words += ["--url", places[SERVED]]
        ended = CliRunner().invoke(app, words[1:], prog_name="modelport", catch_exceptions=False)
        assert ended.exit_code == 0, (line, ended.output)


def run(code: str, name: str, line: int, space: dict[str, object], places: Mapping[str, str]) -> None:
    """Run Python of a page where it stands in it, so that a traceback leads there."""
    exec(compile("\n" * (line - 1) + _placed(code, places), name, "exec"), space)


def _placed(text: str, places: Mapping[str, str]) -> str:
    for shown, real in places.items():
        text = text.replace(shown, real)
    return text
