"""Files that the chapters on architecture name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "modelport"
CHAPTERS = sorted((ROOT / "docs" / "architecture").glob("*.md"))
ROOMS: dict[str, tuple[str, ...]] = {
    "00-overview": ("serving", "compile"),
    "01-bundle": ("bundle", "runtimes"),
    "02-compile": ("compile",),
    "03-serving": ("serving",),
    "04-telemetry": ("serving",),
    "05-security": ("serving",),
    "06-control-plane": ("control",),
    "07-plan": ("control", "serving"),
    "08-rollouts": ("control",),
    "09-statistics": ("control",),
}
"""The rooms each chapter is about: paths in it may begin there."""


def named(chapter: Path, ending: str) -> set[str]:
    """Paths in backticks."""
    return set(re.findall(rf"`([\w./-]+{ending})`", chapter.read_text("utf-8")))


def found(chapter: Path, path: str) -> list[Path]:
    """What a path of this chapter may lead to."""
    starts = (ROOT, HOUSE, HOUSE.parent, *(HOUSE / room for room in ROOMS[chapter.stem]))
    return [start / path for start in starts if (start / path).exists()]


def folders(chapter: Path) -> list[Path]:
    """Folders that the chapter speaks of; a name without a folder is in one of them."""
    said = [place for path in named(chapter, "/") for place in found(chapter, path)]
    return said + [
        place.parent for path in named(chapter, r"\.py") if "/" in path for place in found(chapter, path)
    ]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_every_file_that_a_chapter_names_is_there(chapter: Path) -> None:
    beside = folders(chapter)
    missing = {
        name
        for name in named(chapter, r"\.py")
        if not found(chapter, name) and not any((folder / name).is_file() for folder in beside)
    }
    assert missing == set()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_every_room_that_a_chapter_names_is_there(chapter: Path) -> None:
    rooms = {path for path in named(chapter, "/") if not path.startswith((".", "/"))}
    assert {path for path in rooms if not found(chapter, path)} == set()
