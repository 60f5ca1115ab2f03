"""Broken and hostile model files, made on the spot: how each is written, and what it must be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Write = Callable[[Path], Path]


@dataclass(frozen=True)
class Animal:
    """One file, or folder.

    Attributes:
        name: for the test's id.
        write: puts it into an empty folder.
        code: of its refusal; of either, `a|b`, where sandboxes differ in what they show.
        says: must be in the message.
        wall: seconds it is given.
        cpu: seconds of processor time it is given.
        heavy: whether its library needs more time and memory than honest files of ours.
    """

    name: str
    write: Write
    code: str
    says: str
    wall: float = 60.0
    cpu: int = 5
    heavy: bool = False


def file(name: str, data: bytes) -> Write:
    """Writes one file."""

    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def files(name: str, **contents: bytes) -> Write:
    """Writes a folder of files; `__` in a keyword stands for a dot."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.mkdir()
        for each, data in contents.items():
            (path / each.replace("__", ".")).write_bytes(data)
        return path

    return write
