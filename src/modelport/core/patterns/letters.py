"""Which characters an atom of a regular expression takes, as a bit mask over a few that stand for all.

Every bound of a class is among them with its neighbours, every letter in both cases, and some of each
category, so two atoms that share a character share one of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from re import _constants as names  # type: ignore[attr-defined]  # the parse tree's own words
from typing import Any

Atom = tuple[Any, Any]
"""A node of the parse tree that takes one character."""

_SAMPLE = "\0\t\n !'+-.,;@_09afzAFZ\x85\xa0éß٣Я中の\u2003\U0001f600\U0010fffe"
_INNER = 64
_CATEGORIES = {
    names.CATEGORY_DIGIT: (r"\d", True),
    names.CATEGORY_NOT_DIGIT: (r"\d", False),
    names.CATEGORY_SPACE: (r"\s", True),
    names.CATEGORY_NOT_SPACE: (r"\s", False),
    names.CATEGORY_WORD: (r"\w", True),
    names.CATEGORY_NOT_WORD: (r"\w", False),
}


def masks(atoms: Sequence[tuple[Atom, int]]) -> list[int]:
    """One mask per atom, each given with the flags it stands under; masks that meet share a bit."""
    letters = sorted({letter for atom, _ in atoms for letter in _telling(atom)} | set(_SAMPLE))
    return [_mask(atom, flags, letters) for atom, flags in atoms]


def _mask(atom: Atom, flags: int, letters: Sequence[str]) -> int:
    return sum(1 << place for place, letter in enumerate(letters) if _takes(atom, flags, letter))


def _telling(atom: Atom) -> Iterable[str]:
    """The characters around which an atom decides."""
    kind, value = atom
    if kind is names.IN:
        return chain.from_iterable(map(_telling, value))
    if kind in (names.LITERAL, names.NOT_LITERAL):
        return _cases(chr(value))
    if kind is names.RANGE:
        low, high = value
        inner = range(low, high, max(1, (high - low) // _INNER))
        points = {max(low - 1, 0), low, *inner, high, min(high + 1, 0x10FFFF)}
        return chain.from_iterable(_cases(chr(point)) for point in points)
    return ()


def _cases(letter: str) -> set[str]:
    return {each for each in (letter, letter.lower(), letter.upper()) if len(each) == 1}


def _takes(atom: Atom, flags: int, letter: str) -> bool:
    kind, value = atom
    if kind is names.ANY:
        return True
    if kind is names.NOT_LITERAL:
        return not _takes((names.LITERAL, value), flags, letter)
    if kind is names.IN:
        negated = value[0][0] is names.NEGATE
        return negated != any(_takes(item, flags, letter) for item in value[negated:])
    if kind is names.CATEGORY:
        pattern, wanted = _CATEGORIES[value]
        return (re.fullmatch(pattern, letter, flags & re.ASCII) is not None) == wanted
    low, high = value if kind is names.RANGE else (value, value)
    return any(low <= ord(each) <= high for each in (_cases(letter) if flags & re.IGNORECASE else (letter,)))
