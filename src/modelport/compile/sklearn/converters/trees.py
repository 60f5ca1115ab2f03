"""A fitted decision tree as plain arrays, whoever grew it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes in order, the root first.

    A row goes left where `x[feature] <= threshold`, or, at a node in `members`, where the column's category
    code is in the set; a missing value goes left where `missing_left` says so.

    Attributes:
        feature, threshold, left, right, missing_left: one entry per node; unused at leaves.
        leaf: which nodes are leaves.
        values: `[nodes, targets]`; the answer, at leaves.
        members: category codes that go left, for nodes that test a category.
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    missing_left: npt.NDArray[np.bool_]
    leaf: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]
    members: Mapping[int, frozenset[int]] = field(default_factory=dict)


def of_sklearn(tree: Any) -> Tree:
    """The `tree_` of a scikit-learn decision tree; its values flattened over outputs and classes."""
    return Tree(
        feature=tree.feature.astype(np.int64),
        threshold=tree.threshold.astype(np.float64),
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        missing_left=tree.missing_go_to_left.astype(np.bool_),
        leaf=tree.children_left < 0,
        values=tree.value.reshape(tree.node_count, -1).astype(np.float64),
    )


def of_histogram(predictor: Any) -> Tree:
    """One `TreePredictor` of a histogram gradient boosting model."""
    nodes = predictor.nodes
    categorical = np.flatnonzero(nodes["is_categorical"] & (nodes["is_leaf"] == 0))
    bitsets = predictor.raw_left_cat_bitsets
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        leaf=nodes["is_leaf"].astype(np.bool_),
        values=nodes["value"].reshape(-1, 1).astype(np.float64),
        members={int(node): _codes(bitsets[nodes["bitset_idx"][node]]) for node in categorical},
    )


def _codes(bitset: npt.NDArray[np.uint32]) -> frozenset[int]:
    """The category codes whose bits are set: eight words of 32 bits, lowest first."""
    return frozenset(
        32 * word + bit for word, bits in enumerate(bitset.tolist()) for bit in range(32) if bits >> bit & 1
    )
