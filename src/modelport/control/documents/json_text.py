"""JSON (RFC 8259) with the place of every value. Python's own reader tells no places, and lets the last of
two equal keys win."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable

from modelport.control.documents.faults import syntax
from modelport.control.documents.limits import DEPTH, Count, number
from modelport.control.documents.nodes import Member, Node, Place

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_scan: Callable[[str, int], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_WORDS = {"true": True, "false": False, "null": None}


def read(text: str) -> Node:
    """The value that a text holds; raises `BadRequest` (`document-syntax`) saying where it is wrong."""
    return _Reader(text).whole()


class _Reader:
    """Reads one text from front to back; `_next` is the index of what was not read yet."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = 0
        self._count = Count()
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def whole(self) -> Node:
        node = self._value(0)
        self._skip()
        if self._next < len(self._text):
            raise syntax(self._place(), "something follows after the end of the document")
        return node

    def _value(self, depth: int) -> Node:
        self._skip()
        at, begin = self._place(), self._next
        self._count.one(at)
        if depth > DEPTH:
            raise syntax(at, f"nested more than {DEPTH} deep")
        match self._text[begin : begin + 1]:
            case "{":
                return Node(at, self._object(depth))
            case "[":
                return Node(at, self._array(depth))
            case '"':
                value = self._string()
                return Node(at, value, value)
        return self._word(at)

    def _object(self, depth: int) -> dict[str, Member]:
        members: dict[str, Member] = {}
        while self._more("}", first=not members):
            at = self._place()
            key = self._string()
            if key in members:
                raise syntax(at, f"the key {key[:60]!r} is there twice, first at {members[key].at}")
            self._skip()
            self._take(":")
            members[key] = Member(at, self._value(depth + 1))
        return members

    def _array(self, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while self._more("]", first=not items):
            items.append(self._value(depth + 1))
        return tuple(items)

    def _more(self, end: str, *, first: bool) -> bool:
        """Step over the opening bracket or a comma; False after having stepped over the closing one."""
        self._next += first
        self._skip()
        if self._text.startswith(end, self._next):
            self._next += 1
            return False
        if not first:
            self._take(",")
            self._skip()
        return True

    def _string(self) -> str:
        at = self._place()
        if not self._text.startswith('"', self._next):
            raise syntax(at, "a key in double quotes is expected here")
        try:
            value, self._next = _scan(self._text, self._next + 1)
        except json.JSONDecodeError as error:
            raise syntax(Place(error.lineno, error.colno), error.msg.lower()) from error
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            raise syntax(at, "half of a surrogate pair is no character")
        return value

    def _word(self, at: Place) -> Node:
        found = _NUMBER.match(self._text, self._next)
        if found:
            self._next = found.end()
            return Node(at, number(found[0], at), found[0])
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._next):
                self._next += len(word)
                return Node(at, value, word)
        raise syntax(at, "a value is expected here")

    def _take(self, sign: str) -> None:
        if not self._text.startswith(sign, self._next):
            raise syntax(self._place(), f"{sign!r} is expected here")
        self._next += 1

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._next)
        assert found is not None  # it matches nothing, too
        self._next = found.end()

    def _place(self) -> Place:
        line = bisect_right(self._lines, self._next)
        return Place(line, self._next - self._lines[line - 1] + 1)
