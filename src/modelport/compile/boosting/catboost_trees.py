"""CatBoost's two kinds of trees as ours.

An oblivious tree asks the same at every node of a level; its leaf is the number whose lowest bit is the first
answer. A grown tree is nested nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.boosting.checked import check_count, refused
from modelport.compile.sklearn.converters.trees import Tree

MAX_DEPTH = 16
"""What CatBoost grows at most."""


@dataclass(frozen=True, slots=True)
class Test:
    """One question: is the feature above the border, or, with a code, is it that category."""

    feature: int
    border: float
    missing_left: bool
    code: int | None = None


@dataclass(slots=True)
class _Node:
    """A node of a grown tree; a leaf has values and no test."""

    test: Test | None
    values: npt.NDArray[np.float64] | None
    low: int = 0
    high: int = 0


def oblivious(tests: Sequence[Test], leaf_values: Any, targets: int) -> Tree:
    """The tree of one test per level. Raises `SourceRefused` unless there is a value for every leaf."""
    if len(tests) > MAX_DEPTH:
        msg = f"a tree is {len(tests)} levels deep; CatBoost grows at most {MAX_DEPTH}"
        raise refused(msg)
    leaves = 1 << len(tests)
    check_count("leaf values", leaves * targets, len(leaf_values))
    levels = [level for level in range(len(tests)) for _ in range(1 << level)]
    nodes = np.arange(2 * leaves - 1)
    values = np.zeros((len(nodes), targets))
    values[leaves - 1 :] = np.asarray(leaf_values, np.float64).reshape(leaves, targets)[_turned(len(tests))]
    asked = [*(tests[level] for level in levels), *[None] * leaves]
    return _tree(asked, 2 * nodes + 1, 2 * nodes + 2, values)


def grown(root: Mapping[str, Any], test_of: Callable[[Mapping[str, Any]], Test], targets: int) -> Tree:
    """The tree of nested nodes. Raises `SourceRefused` unless every leaf has a value for every target."""
    nodes: list[_Node] = []
    waiting: list[tuple[Mapping[str, Any], _Node | None, bool]] = [(root, None, False)]
    while waiting:
        document, parent, is_high = waiting.pop()
        if parent is not None and is_high:
            parent.high = len(nodes)
        elif parent is not None:
            parent.low = len(nodes)
        nodes.append(_node(document, test_of, targets))
        if "split" in document:
            waiting += [(document["right"], nodes[-1], True), (document["left"], nodes[-1], False)]
    empty = np.zeros(targets)
    low, high = (
        np.asarray(places) for places in zip(*((node.low, node.high) for node in nodes), strict=True)
    )
    values = np.stack([empty if node.values is None else node.values for node in nodes])
    return _tree([node.test for node in nodes], low, high, values)


def _node(document: Mapping[str, Any], test_of: Callable[[Mapping[str, Any]], Test], targets: int) -> _Node:
    if "split" in document:
        return _Node(test_of(document["split"]), None)
    values = np.asarray(document["value"], np.float64).reshape(-1)
    check_count("values of a leaf", targets, len(values))
    return _Node(None, values)


def _tree(
    tests: Sequence[Test | None],
    low: npt.NDArray[np.int64],
    high: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
) -> Tree:
    """`low` is where a question answered with no leads; our trees go left where a category is hit."""
    hit = np.asarray([test is not None and test.code is not None for test in tests], np.bool_)
    return Tree(
        feature=np.asarray([0 if test is None else test.feature for test in tests], np.int64),
        threshold=np.asarray([0.0 if test is None else test.border for test in tests], np.float64),
        left=np.where(hit, high, low),
        right=np.where(hit, low, high),
        missing_left=np.asarray([test is not None and test.missing_left for test in tests], np.bool_),
        leaf=np.asarray([test is None for test in tests], np.bool_),
        values=values,
        members={
            node: frozenset([test.code])
            for node, test in enumerate(tests)
            if test is not None and test.code is not None
        },
    )


def _turned(bits: int) -> npt.NDArray[np.int64]:
    """The number of each leaf of a heap, where the first question is the highest bit."""
    numbers = np.arange(1 << bits)
    found = np.zeros_like(numbers)
    for bit in range(bits):
        found |= (numbers >> bit & 1) << (bits - 1 - bit)
    return found
