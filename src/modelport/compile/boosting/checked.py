"""What every document must keep before its trees are believed, whichever library wrote it.

Libraries trust their own files: an index out of range reads foreign memory, a cycle never ends. A document is
therefore read by us first, and refused by name of what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from modelport.compile.sklearn.converters.trees import Tree
from modelport.errors import SourceRefused

MAX_DEPTH = 1_000
MAX_TREES = 1_000_000
MAX_WIDTH = 1 << 20
_ROOT = np.zeros(1, np.int64)


@contextmanager
def reading(library: str) -> Iterator[None]:
    """While a document is taken apart: whatever does not fit its form becomes a refusal."""
    try:
        yield
    except (
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        OverflowError,
        AttributeError,
        RecursionError,
    ) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        msg = f"the file is not a model as {library} writes it ({reason})"
        raise refused(msg) from error


def refused(msg: str) -> SourceRefused:
    """The error for a document that is not a model."""
    return SourceRefused(msg, code="source-malformed", hint="save the model again with its own library")


def check_width(width: int) -> int:
    """`width` as a number of features; raises `SourceRefused` for one that no table has."""
    if not 1 <= width <= MAX_WIDTH:
        msg = f"the model says it has {width} features; up to {MAX_WIDTH:,} are read"
        raise refused(msg)
    return width


def check_count(what: str, claimed: int, found: int) -> None:
    """Raise `SourceRefused` when a document claims another number of things than it holds."""
    if claimed != found:
        msg = f"the model says it has {claimed} {what}, and has {found}"
        raise refused(msg)


def check_tree(number: int, tree: Tree, width: int) -> None:
    """Raise `SourceRefused` unless the tree is one: every path ends in a leaf, every test names a feature.

    Nodes that no path reaches are not looked at: XGBoost leaves pruned ones in place.
    """
    nodes = len(tree.leaf)
    if not nodes:
        raise _wrong(number, "has no nodes")
    seen = np.zeros(nodes, np.bool_)
    level = _ROOT
    for _ in range(MAX_DEPTH):
        if seen[level].any() or len(np.unique(level)) != len(level):
            raise _wrong(number, "reaches a node twice: it is no tree")
        seen[level] = True
        _check_leaves(number, tree, level[tree.leaf[level]])
        inner = level[~tree.leaf[level]]
        if not len(inner):
            return
        _check_tests(number, tree, inner, width)
        level = np.concatenate([tree.left[inner], tree.right[inner]])
        if level.min() < 0 or level.max() >= nodes:
            raise _wrong(number, f"names the node {_outside(level, nodes)} of {nodes}")
    raise _wrong(number, f"is more than {MAX_DEPTH:,} levels deep")


def _check_leaves(number: int, tree: Tree, leaves: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    if not np.isfinite(tree.values[leaves]).all():
        raise _wrong(number, "has a leaf whose value is not a finite number")


def _check_tests(
    number: int, tree: Tree, inner: np.ndarray[tuple[int], np.dtype[np.int64]], width: int
) -> None:
    features = tree.feature[inner]
    if features.min() < 0 or features.max() >= width:
        raise _wrong(number, f"tests the feature {_outside(features, width)} of {width}")
    if np.isnan(tree.threshold[inner]).any():
        raise _wrong(number, "has a threshold that is not a number")


def _outside(values: np.ndarray[tuple[int], np.dtype[np.int64]], limit: int) -> int:
    return int(values[(values < 0) | (values >= limit)][0])


def _wrong(number: int, what: str) -> SourceRefused:
    return refused(f"tree {number} {what}")
