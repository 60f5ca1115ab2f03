"""The trees of XGBoost's document, and the names of their categories.

A row goes left where its float32 is below the float32 threshold, right where its category is in the node's
set, by default where it is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.boosting.checked import check_count, refused
from modelport.compile.boosting.codes import code_table
from modelport.compile.sklearn.converters.lookup import Table
from modelport.compile.sklearn.converters.trees import Tree

_CATEGORIES = 1 << 24
"""What XGBoost can count in a float32."""


def check_targets(found: int, group: int, targets: int) -> None:
    """A tree adds to one target, or from the first one on to all of them."""
    if found > 1:
        check_count("targets", targets, found)
        check_count("first target", 0, group)


def tree_of(document: Mapping[str, Any], factor: np.float32) -> Tree:
    """One tree, its leaves multiplied by `factor`; not checked yet."""
    left = np.asarray(document["left_children"], np.int64)
    right = np.asarray(document["right_children"], np.int64)
    conditions = np.asarray(document["split_conditions"], np.float32)
    check_count("nodes", int(document["tree_param"]["num_nodes"]), len(left))
    for name in ("right_children", "split_conditions", "split_indices", "default_left"):
        check_count(f"entries of {name}", len(left), len(document[name]))
    leaf = left < 0
    members = _members(document, leaf)
    missing_left = np.asarray(document["default_left"]).astype(np.bool_)
    turned = np.zeros(len(left), np.bool_)
    turned[list(members)] = True
    return Tree(
        feature=np.asarray(document["split_indices"], np.int64),
        # x < t says the same as x <= the float32 below t; NaN stays what it is, to be refused
        threshold=np.where(turned | leaf, 0.0, np.nextafter(conditions, np.float32(-np.inf))).astype(
            np.float64
        ),
        left=np.where(turned, right, left),
        right=np.where(turned, left, right),
        missing_left=missing_left ^ turned,
        leaf=leaf,
        values=(_values(document, leaf, right, conditions) * factor).astype(np.float64),
        members=members,
    )


def _values(
    document: Mapping[str, Any],
    leaf: npt.NDArray[np.bool_],
    right: npt.NDArray[np.int64],
    conditions: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """`[nodes, targets]`; with several targets, the right child of a leaf is its row in the leaves' table."""
    size = int(document["tree_param"].get("size_leaf_vector", 1))
    if size <= 1:
        return np.where(leaf, conditions, 0).astype(np.float32).reshape(-1, 1)
    name = "leaf_weights" if "leaf_weights" in document else "base_weights"
    table = np.asarray(document[name], np.float32)
    if len(table) % size:
        msg = "the leaves of a tree have different numbers of targets"
        raise refused(msg)
    table = table.reshape(-1, size)
    rows = right if name == "leaf_weights" else np.arange(len(leaf))
    values = np.zeros((len(leaf), size), np.float32)
    if (rows[leaf] < 0).any():
        msg = "a leaf has no row in the table of leaves"
        raise refused(msg)
    values[leaf] = table[rows[leaf]]
    return values


def _members(document: Mapping[str, Any], leaf: npt.NDArray[np.bool_]) -> dict[int, frozenset[int]]:
    """The categories that go right, by node."""
    nodes = np.asarray(document.get("categories_nodes", ()), np.int64).tolist()
    if not nodes:
        return {}
    starts = np.asarray(document["categories_segments"], np.int64).tolist()
    sizes = np.asarray(document["categories_sizes"], np.int64).tolist()
    codes = np.asarray(document["categories"], np.int64)
    kinds = np.asarray(document["split_type"], np.int64)
    check_count("categorical nodes", len(nodes), int((kinds[~leaf] == 1).sum()))
    if len(codes) and not 0 <= codes.min() <= codes.max() < _CATEGORIES:
        msg = f"a tree names the category {codes.max()}; there can be {_CATEGORIES}"
        raise refused(msg)
    found: dict[int, frozenset[int]] = {}
    for node, start, size in zip(nodes, starts, sizes, strict=True):
        if not (0 <= node < len(leaf) and 0 <= start <= start + size <= len(codes)):
            msg = "the categories of a tree name a node or a place that does not exist"
            raise refused(msg)
        found[node] = frozenset(codes[start : start + size].tolist())
    return found


def tables_of(cats: Mapping[str, Any], width: int) -> dict[int, Table]:
    """Codes by category, of the features whose categories the document knows by name."""
    encodings = cats.get("enc") or ()
    if len(encodings):
        check_count("encodings of features", width, len(encodings))
    return {
        place: code_table(_names(encoding))
        for place, encoding in enumerate(encodings)
        if len(encoding["values"])
    }


def _names(encoding: Mapping[str, Any]) -> list[Any]:
    if "offsets" not in encoding:
        return list(np.asarray(encoding["values"]).tolist())
    letters = np.asarray(encoding["values"], np.int64).astype(np.uint8).tobytes()
    ends = np.asarray(encoding["offsets"], np.int64).tolist()
    return [letters[start:end].decode() for start, end in itertools.pairwise(ends)]
