"""Real English prose that needs no download: the docstrings of installed packages, cut to one length."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

_PROSE = re.compile(r"[A-Z][A-Za-z0-9 ,.;:'()\-]{80,}")


def passages(packages: tuple[str, ...], *, length: int, each: int) -> tuple[list[str], list[str]]:
    """Texts of exactly `length` characters and the package each is from, the packages taking turns.

    Reads source files without importing them. At most `each` passages per package.
    """
    streams = [_passages(package, length) for package in packages]
    texts: list[str] = []
    topics: list[str] = []
    for _ in range(each):
        for package, stream in zip(packages, streams, strict=True):
            text = next(stream, None)
            if text is not None:
                texts.append(text)
                topics.append(package)
    return texts, topics


def _passages(package: str, length: int) -> Iterator[str]:
    seen: set[str] = set()
    for path in sorted(_folder(package).rglob("*.py")):
        for paragraph in _paragraphs(path):
            for start in range(0, len(paragraph) - length + 1, length):
                text = paragraph[start : start + length]
                if text not in seen:
                    seen.add(text)
                    yield text


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        msg = f"{package} is not installed; the text fixture reads its docstrings"
        raise ModuleNotFoundError(msg)
    return Path(found.origin).parent


def _paragraphs(path: Path) -> Iterator[str]:
    """Prose of a file's docstrings; paragraphs of one docstring are joined, tables and code left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8", errors="replace"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            blocks = (ast.get_docstring(node) or "").split("\n\n")
            prose = (" ".join(block.split()) for block in blocks)
            yield " ".join(block for block in prose if _PROSE.match(block))
