"""LightGBM's text document as a `Boosted`.

A row goes left where its double is at most the threshold, or where its category, cut to a whole number, is in
the node's set. What stands for a missing number (nothing, NaN, or zero) is kept with each test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.boosting.boosted import Boosted, Link
from modelport.compile.boosting.checked import (
    MAX_TREES,
    check_count,
    check_tree,
    check_width,
    reading,
    refused,
)
from modelport.compile.boosting.codes import code_table
from modelport.compile.sklearn.converters.lookup import Table
from modelport.compile.sklearn.converters.trees import Tree
from modelport.errors import Unsupported

_LINKS: Mapping[str, Link] = {
    "binary": "sigmoid",
    "cross_entropy": "sigmoid",
    "cross_entropy_lambda": "softplus",
    "multiclass": "softmax",
    "multiclassova": "one-vs-all",
    "poisson": "exp",
    "gamma": "exp",
    "tweedie": "exp",
}
_IDENTITIES = {
    "custom",
    "fair",
    "huber",
    "lambdarank",
    "mape",
    "none",
    "quantile",
    "rank_xendcg",
    "regression",
    "regression_l1",
}
ZERO = float(np.float32(1e-35))
"""What is as near to zero as this is zero."""

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NO_MISSING, _ZERO_MISSING = 0, 1


@dataclass(frozen=True, slots=True)
class Facts:
    """The head of a document.

    Attributes:
        objective: its name, `custom` where it has none.
        names: of the features.
        classes: how many classes it tells apart, 1 for a number.
        categories: of the features that were pandas categoricals, in the order of the features.
        categorical: features that LightGBM took as categories; pandas' ordered ones are not among them.
    """

    objective: str
    names: tuple[str, ...]
    classes: int
    categories: tuple[tuple[Any, ...], ...]
    categorical: tuple[int, ...]


def facts_of(text: str) -> Facts:
    """The head of a document. Raises `SourceRefused` (`source-malformed`) for one that is not LightGBM's."""
    with reading("LightGBM"):
        head = _head(text)
        names = tuple(head.get("feature_names", "").split(" "))
        check_count("feature names", check_width(int(head["max_feature_idx"]) + 1), len(names))
        infos = head.get("feature_infos", "").split(" ")
        categorical = tuple(place for place, info in enumerate(infos) if info[:1] not in {"[", "n"})
        objective = head.get("objective", "custom").split(" ")[0]
        return Facts(objective, names, int(head["num_class"]), _categories(text), categorical)


def boosted_of(text: str, columns: Sequence[int] | None = None) -> Boosted:
    """The model in a document.

    `columns` are the features that were pandas categoricals; the document does not say which these were, only
    what their categories are called. Without it they are those that LightGBM took as categories.

    Raises `SourceRefused` (`source-malformed`) for a document that is not a whole model, `Unsupported` for
    linear trees and for an objective that is not known here.
    """
    facts = facts_of(text)
    with reading("LightGBM"):
        tables = _tables(facts, facts.categorical if columns is None else columns)
        return _boosted(text, _head(text), facts, tables)


def _boosted(text: str, head: Mapping[str, str], facts: Facts, tables: Mapping[int, Table]) -> Boosted:
    if facts.objective not in _LINKS and facts.objective not in _IDENTITIES:
        msg = f"the objective {facts.objective!r} of LightGBM is not known here"
        raise Unsupported(msg, hint="docs/reference/compilers.md lists what is known")
    targets, width = int(head["num_tree_per_iteration"]), len(facts.names)
    if not 1 <= targets <= MAX_TREES:
        msg = f"the model says it has {targets} trees in an iteration"
        raise refused(msg)
    several = _LINKS.get(facts.objective) in {"softmax", "one-vs-all"}
    check_count("trees in an iteration", facts.classes if several else targets, targets)
    blocks = list(_blocks(text))
    _check_sizes(text, head)
    read = [_tree(block) for block in blocks]
    for number, (tree, _) in enumerate(read):
        check_tree(number, tree, width)
    options = head.get("objective", "").split(" ")[1:]
    averaged = "average_output" in head
    return Boosted(
        width=width,
        targets=targets,
        start=np.zeros(targets),
        link="square" if "sqrt" in options else _LINKS.get(facts.objective, "identity"),
        trees=tuple((tree, number % targets) for number, (tree, _) in enumerate(read)),
        slope=_slope(options),
        divisor=max(1, len(read) // targets) if averaged else 1.0,
        single=False,
        zero_missing=_zero_missing(read),
        whole=_categorical(read) - tables.keys(),
        tables=tables,
    )


def _slope(options: Sequence[str]) -> float:
    """The factor in front of the sum, inside the sigmoid."""
    slope = next((float(each[8:]) for each in options if each.startswith("sigmoid:")), 1.0)
    if not np.isfinite(slope):
        msg = "the slope of the sigmoid is not a number"
        raise refused(msg)
    return slope


def _head(text: str) -> dict[str, str]:
    """The lines before the first tree, by name."""
    lines = text.split("\nTree=0\n", 1)[0].split("\n")
    if lines[0] != "tree":
        msg = "the file is not a model as LightGBM writes it: its first line is not 'tree'"
        raise refused(msg)
    return _named(lines[1:])


def _named(lines: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in lines) if name}


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """The lines of each tree, by name."""
    body, end, _ = text.partition("\nend of trees\n")
    if not end:
        msg = "the file is cut: it has no line 'end of trees'"
        raise refused(msg)
    for number, block in enumerate(body.split("\nTree=")[1:]):
        first, _, rest = block.partition("\n")
        check_count("trees before this one", int(first), number)
        yield _named(rest.split("\n"))


def _check_sizes(text: str, head: Mapping[str, str]) -> None:
    """The library jumps by these sizes: each must lead to the next tree, the last to the end."""
    sizes = [int(size) for size in head.get("tree_sizes", "").split()]
    body = text.partition("\nTree=0\n")[2].partition("\nend of trees\n")[0].encode()
    parts = [len(part) for part in (b"\nTree=0\n" + body).split(b"\nTree=")[1:]]
    check_count("trees", len(sizes), len(parts))
    wrong = next((place for place, size in enumerate(sizes) if size != parts[place] + len("Tree=") + 1), None)
    if wrong is not None:
        msg = f"tree {wrong} does not have the size that the model says"
        raise refused(msg)


def _tree(block: Mapping[str, str]) -> tuple[Tree, npt.NDArray[np.int64]]:
    """One tree, and what stands for a missing number at each of its tests."""
    if block.get("is_linear", "0") != "0":
        msg = "the model has linear trees, whose leaves are equations"
        raise Unsupported(msg, hint="train it with linear_tree=False")
    leaves = int(block["num_leaves"])
    values = _numbers(block, "leaf_value", np.float64, leaves)
    inner = leaves - 1
    columns = {name: _numbers(block, name, np.int64, inner) for name in ("split_feature", "decision_type")}
    left, right = (_children(block, name, inner) for name in ("left_child", "right_child"))
    thresholds = _numbers(block, "threshold", np.float64, inner)
    kinds = columns["decision_type"]
    members = _members(block, kinds, thresholds)
    missing = kinds >> 2 & 3
    # Without a word for missing, NaN is read as zero.
    zero_left = np.where(missing == _NO_MISSING, thresholds >= 0, (kinds & _DEFAULT_LEFT) > 0)
    categorical = (kinds & _CATEGORICAL) > 0
    tree = Tree(
        feature=_padded(columns["split_feature"], leaves),
        threshold=_padded(np.where(categorical, 0.0, _around_zero(thresholds)), leaves),
        left=_padded(left, leaves),
        right=_padded(right, leaves),
        missing_left=_padded(zero_left & ~categorical, leaves),
        leaf=np.arange(inner + leaves) >= inner,
        values=np.concatenate([np.zeros(inner), values]).reshape(-1, 1),
        members=members,
    )
    return tree, missing


def _around_zero(thresholds: Any) -> Any:
    """LightGBM reads whatever is within 1e-35 of zero as zero: thresholds move to the rims of that."""
    below = np.nextafter(-ZERO, -np.inf)
    moved = np.where((thresholds >= -ZERO) & (thresholds < 0), below, thresholds)
    return np.where((thresholds >= 0) & (thresholds < ZERO), ZERO, moved)


def _numbers(block: Mapping[str, str], name: str, dtype: Any, count: int) -> Any:
    """The numbers of a line, as many as there must be."""
    parts = block.get(name, "").split()
    check_count(f"entries of {name}", count, len(parts))
    return (
        np.asarray(parts, dtype) if dtype == np.float64 else np.asarray([int(part) for part in parts], dtype)
    )


def _children(block: Mapping[str, str], name: str, inner: int) -> Any:
    """Node numbers: a negative number is a leaf, ours come after the tests."""
    found = _numbers(block, name, np.int64, inner)
    return np.where(found < 0, inner + ~found, found)


def _padded(values: Any, leaves: int) -> Any:
    return np.concatenate([values, np.zeros(leaves, values.dtype)])


def _members(block: Mapping[str, str], kinds: Any, thresholds: Any) -> dict[int, frozenset[int]]:
    """The categories that go left, by node: the threshold of such a node is the number of its set."""
    nodes = np.flatnonzero(kinds & _CATEGORICAL)
    if not len(nodes):
        return {}
    count = int(block["num_cat"])
    ends = _numbers(block, "cat_boundaries", np.int64, count + 1).tolist()
    words = [int(word) for word in block["cat_threshold"].split()]
    sets = thresholds[nodes]
    if not (np.isfinite(sets).all() and sets.min() >= 0 and sets.max() < count):
        msg = f"a test names a set of categories that does not exist; there are {count}"
        raise refused(msg)
    if ends != sorted(ends) or ends[0] < 0 or ends[-1] > len(words):
        msg = "the sets of categories lie outside their table"
        raise refused(msg)
    return {
        int(node): _codes(words[ends[int(place)] : ends[int(place) + 1]])
        for node, place in zip(nodes, sets, strict=True)
    }


def _codes(words: list[int]) -> frozenset[int]:
    """The category codes whose bits are set, in words of 32 bits, lowest first."""
    return frozenset(
        32 * place + bit for place, word in enumerate(words) for bit in range(32) if word >> bit & 1
    )


def _categorical(read: list[tuple[Tree, Any]]) -> frozenset[int]:
    return frozenset(int(tree.feature[node]) for tree, _ in read for node in tree.members)


def _zero_missing(read: list[tuple[Tree, Any]]) -> frozenset[int]:
    """Features in which zero stands for missing; every test of such a feature must say so."""
    kinds: dict[int, set[bool]] = {}
    for tree, missing in read:
        for node, kind in enumerate(missing.tolist()):
            if node not in tree.members:
                kinds.setdefault(int(tree.feature[node]), set()).add(kind == _ZERO_MISSING)
    if any(len(each) > 1 for each in kinds.values()):
        msg = "zero stands for missing in some tests of a feature and not in others"
        raise Unsupported(msg, hint="train the model in one go, with one zero_as_missing")
    return frozenset(feature for feature, each in kinds.items() if True in each)


def _categories(text: str) -> tuple[tuple[Any, ...], ...]:
    """What pandas called the categories; they are written as JSON behind everything else."""
    line = text.rpartition("\npandas_categorical:")[2].partition("\n")[0]
    found = json.loads(line) if text.count("\npandas_categorical:") else None
    return tuple(tuple(each) for each in found or ())


def _tables(facts: Facts, columns: Sequence[int]) -> dict[int, Table]:
    if not facts.categories:
        return {}
    if len(columns) != len(facts.categories):
        msg = f"the model knows categories of {len(facts.categories)} columns, {len(columns)} were found"
        hint = "give the sample as a DataFrame whose columns have the dtypes that the model was trained on"
        raise Unsupported(msg, code="sample-mismatch", hint=hint)
    return {place: code_table(each) for place, each in zip(columns, facts.categories, strict=True)}
