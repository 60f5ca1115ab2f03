"""A document as it was written: values, each with the place where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


class Place(msgspec.Struct, frozen=True, order=True):
    """Where something stands in a text, both counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class Node(msgspec.Struct, frozen=True):
    """A value and its place.

    Attributes:
        value: text, number, truth value or None; or a tuple of nodes; or a dict of members by key.
        text: how a scalar is written, so that a fault can show it.
    """

    at: Place
    value: Any
    text: str = ""


class Member(msgspec.Struct, frozen=True):
    """A key's place, and what stands under it."""

    at: Place
    node: Node


Path = tuple[str | int, ...]
"""Keys and indices that lead to a node."""


def place(node: Node, path: Sequence[str | int]) -> Place:
    """Where the key or item at a path stands; where the path leads nowhere, its last place that is there."""
    if not path:
        return node.at
    step, *rest = path
    if isinstance(node.value, dict) and step in node.value:
        member = node.value[step]
        return place(member.node, rest) if rest else member.at
    if isinstance(node.value, tuple) and isinstance(step, int) and step < len(node.value):
        return place(node.value[step], rest)
    return node.at


def pointer(path: Sequence[str | int]) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def shown(node: Node) -> str:
    """A value as a fault shows it."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, tuple):
        return "a list"
    if node.value is None:
        return "empty"
    return f"{node.text[:60]!r}" if isinstance(node.value, str) else node.text[:60]
