"""A regular expression as an automaton whose states are the places of its atoms.

The backtracking of Python's `re` walks this automaton: as many ways as there are through it for a text, as
many it may try. A count above 16 is taken as "any number", an assertion as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from re import _constants as names  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from modelport.core.patterns.letters import Atom, masks

MAX_PLACES = 400
_COUNTED = 16

_ATOMS = {names.LITERAL, names.NOT_LITERAL, names.ANY, names.IN}
_REPEATS = {names.MAX_REPEAT, names.MIN_REPEAT, names.POSSESSIVE_REPEAT}


class TooMuch(ValueError):
    """Why a pattern cannot be told harmless."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """Places of atoms: which characters each takes, which places may follow, and where a match may end.

    `letters` are masks that share a bit where two places share a character. `asserts` tells that a match may
    fail for what is around it.
    """

    letters: tuple[int, ...]
    follow: tuple[frozenset[int], ...]
    last: frozenset[int]
    asserts: bool


def automaton(pattern: str, flags: int = 0) -> Automaton:
    """The automaton of `pattern`, compiled with `flags`.

    Raises `TooMuch`, and `re.error` for what is no regular expression.
    """
    tree = parser.parse(pattern, flags)
    build = _Build()
    whole = build.sequence(tree, tree.state.flags)
    letters, follow = tuple(masks(build.atoms)), tuple(map(frozenset, build.follow))
    return Automaton(letters, follow, frozenset(whole.last), build.asserts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the pattern: places it may begin and end at; whether it may be empty."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    empty: bool


_NOTHING = _Part((), (), empty=True)


@dataclass(slots=True)
class _Build:
    atoms: list[tuple[Atom, int]] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)
    asserts: bool = False

    def sequence(self, nodes: Any, flags: int) -> _Part:
        found = _NOTHING
        for node in nodes:
            found = self._joined(found, self._part(node, flags))
        return found

    def _part(self, node: tuple[Any, Any], flags: int) -> _Part:
        kind, value = node
        if kind in _ATOMS:
            return self._atom(node, flags)
        if kind in _REPEATS:
            return self._repeat(value, flags)
        if kind is names.SUBPATTERN:
            return self.sequence(value[3], (flags | value[1]) & ~value[2])
        if kind is names.ATOMIC_GROUP:
            return self.sequence(value, flags)
        if kind is names.BRANCH:
            return self._branch([self.sequence(each, flags) for each in value[1]])
        if kind in (names.AT, names.ASSERT, names.ASSERT_NOT):
            return self._assertion(kind, value)
        msg = "it refers back to what a group has matched"
        raise TooMuch(msg)

    def _atom(self, node: Atom, flags: int) -> _Part:
        if len(self.atoms) == MAX_PLACES:
            msg = "it is too long"
            raise TooMuch(msg)
        self.atoms.append((node, flags))
        self.follow.append(set())
        place = (len(self.atoms) - 1,)
        return _Part(place, place, empty=False)

    def _assertion(self, kind: Any, value: Any) -> _Part:
        self.asserts = True
        if kind is not names.AT and value[1].getwidth()[1] > _COUNTED:
            msg = "it looks ahead any number of characters"
            raise TooMuch(msg)
        return _NOTHING

    def _branch(self, parts: Sequence[_Part]) -> _Part:
        if sum(part.empty for part in parts) > 1:
            msg = "several of its alternatives may be empty"
            raise TooMuch(msg)
        first = tuple(place for part in parts for place in part.first)
        last = tuple(place for part in parts for place in part.last)
        return _Part(first, last, any(part.empty for part in parts))

    def _repeat(self, value: tuple[int, int, Any], flags: int) -> _Part:
        least, most, body = value
        if most <= _COUNTED:
            return self._counted(least, most, body, flags)
        found = self._counted(least, least, body, flags) if least <= _COUNTED else _NOTHING
        loop = self._checked(body, flags)
        self._link(loop.last, loop.first)
        return self._joined(found, _Part(loop.first, loop.last, empty=True))

    def _counted(self, least: int, most: int, body: Any, flags: int) -> _Part:
        """`least` copies, then the others, each only behind the one before it."""
        parts = [self._checked(body, flags) for _ in range(most)]
        found = _NOTHING
        for place in reversed(range(most)):
            found = self._joined(parts[place], found)
            if place >= least:
                found = _Part(found.first, found.last, empty=True)
        return found

    def _checked(self, body: Any, flags: int) -> _Part:
        part = self.sequence(body, flags)
        if part.empty:
            msg = "it repeats something that may be empty"
            raise TooMuch(msg)
        return part

    def _joined(self, before: _Part, after: _Part) -> _Part:
        self._link(before.last, after.first)
        first = before.first + after.first if before.empty else before.first
        last = before.last + after.last if after.empty else after.last
        return _Part(first, last, before.empty and after.empty)

    def _link(self, last: Sequence[int], first: Sequence[int]) -> None:
        """Let `first` follow `last`. A step that is there already could then be taken in two ways."""
        for place in last:
            if not self.follow[place].isdisjoint(first):
                msg = "it repeats a repeat"
                raise TooMuch(msg)
            self.follow[place].update(first)
