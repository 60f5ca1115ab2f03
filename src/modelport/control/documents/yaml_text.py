"""YAML with the place of every value: plain data by the core schema of YAML 1.2, and nothing else.

PyYAML composes; what a scalar means is decided here, because YAML 1.1 reads `on` as true, `1:30` as 90 and
`2024-01-01` as a date. No tag is followed and no object is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelport.control.documents.faults import syntax
from modelport.control.documents.limits import DEPTH, Count, number
from modelport.control.documents.nodes import Member, Node, Place
from modelport.errors import ModelportError

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read(text: str) -> tuple[Node, ...]:
    """The documents of a stream, empty ones left out.

    Raises `BadRequest` (`document-syntax`) saying where it is wrong, `ModelportError` (`extra-missing`) where
    PyYAML is not installed.
    """
    yaml = _library()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(text, Loader=loader), yaml)
        composed = list(yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        raise _unreadable(error) from error
    return tuple(_Converter(yaml).node(each) for each in composed if each is not None and not _empty(each))


def _library() -> Any:
    try:
        import yaml
    except ImportError as error:
        msg = "PyYAML, which reads documents, is not installed"
        hint = "pip install 'modelport[platform]', or write the document as JSON"
        raise ModelportError(msg, code="extra-missing", hint=hint) from error
    return yaml


def _empty(node: Any) -> bool:
    return bool(node.tag.endswith(":null") and node.value == "")


def _check_events(events: Iterator[Any], yaml: Any) -> None:
    """Refuse deep nesting and types before anything is composed: composing recurses."""
    depth = 0
    for event in events:
        if getattr(event, "tag", None):
            raise syntax(
                _place(event.start_mark), f"the type {event.tag[:60]!r} is not read: write plain values"
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise syntax(_place(event.start_mark), f"nested more than {DEPTH} deep")


def _unreadable(error: Any) -> ModelportError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is no YAML"
    return syntax(_place(mark) if mark else Place(1, 1), str(what)[:200])


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Converter:
    """Makes our nodes of PyYAML's; an alias is the same node once more."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self._count = Count()
        self._open: set[int] = set()

    def node(self, composed: Any) -> Node:
        at = _place(composed.start_mark)
        self._count.one(at)
        if isinstance(composed, self._yaml.ScalarNode):
            return Node(at, _scalar(composed, at), composed.value)
        if id(composed) in self._open:
            raise syntax(at, "it holds itself")
        if len(self._open) > DEPTH:
            raise syntax(at, f"nested more than {DEPTH} deep")
        self._open.add(id(composed))
        whole = isinstance(composed, self._yaml.MappingNode)
        value = self._mapping(composed) if whole else tuple(self.node(each) for each in composed.value)
        self._open.remove(id(composed))
        return Node(at, value)

    def _mapping(self, composed: Any) -> dict[str, Member]:
        members: dict[str, Member] = {}
        for key, value in composed.value:
            at = _place(key.start_mark)
            if not isinstance(key, self._yaml.ScalarNode):
                raise syntax(at, "a key is a word, not a list or a mapping")
            if key.value in members:
                raise syntax(
                    at, f"the key {key.value[:60]!r} is there twice, first at {members[key.value].at}"
                )
            members[key.value] = Member(at, self.node(value))
        return members


def _scalar(composed: Any, at: Place) -> str | int | float | bool | None:
    text: str = composed.value
    if composed.style:  # quoted or a block: text, whatever it looks like
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _NOT_FINITE.fullmatch(text):
        raise syntax(at, f"{text} is no number that any key takes")
    if _INT.fullmatch(text) or _FLOAT.fullmatch(text):
        return number(text, at)
    return text
