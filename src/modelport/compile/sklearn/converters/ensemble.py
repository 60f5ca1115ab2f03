"""Trees into the attributes of one ONNX TreeEnsembleRegressor that sums them.

The operator sums in the dtype of its input and answers float32. A float64 input is compared with exact
float64 thresholds; a float32 input with thresholds rounded down (see `thresholds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.converters.emitter import ML, Emitter
from modelport.compile.sklearn.converters.trees import Tree
from modelport.compile.sklearn.thresholds import floor32


@dataclass(slots=True)
class _Table:
    """Columns of the operator's node table and of its leaf table, grown tree by tree."""

    nodes: dict[str, list[Any]] = field(
        default_factory=lambda: {
            name: [] for name in ("tree", "id", "feature", "value", "mode", "yes", "no", "nan")
        }
    )
    leaves: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ("tree", "node", "target", "weight")}
    )

    def node(self, **cells: Any) -> None:
        for name, cell in cells.items():
            self.nodes[name].append(cell)

    def leaf(self, **cells: Any) -> None:
        for name, cell in cells.items():
            self.leaves[name].append(cell)


def total(emit: Emitter, source: str, trees: Sequence[tuple[Tree, int]], targets: int) -> str:
    """The sum over `trees` as `[n, targets]` in the emitter's dtype; each comes with its first target.

    `source` is a floating matrix in that dtype.
    """
    table = _Table()
    for number, (tree, target) in enumerate(trees):
        _add(table, number, tree, target)
    summed = emit.node(
        "TreeEnsembleRegressor", source, domain=ML, n_targets=targets, **_attributes(table, emit.dtype)
    )
    return summed if emit.dtype == np.float32 else emit.cast(summed, emit.dtype)


def _add(table: _Table, number: int, tree: Tree, target: int) -> None:
    spare = len(tree.leaf)
    for node, is_leaf in enumerate(tree.leaf.tolist()):
        if is_leaf:
            _add_leaf(table, number, node, tree.values[node], target)
        elif node in tree.members:
            spare = _add_membership(table, number, tree, node, spare)
        else:
            _add_comparison(table, number, tree, node)


def _add_comparison(table: _Table, number: int, tree: Tree, node: int) -> None:
    table.node(
        tree=number,
        id=node,
        feature=int(tree.feature[node]),
        value=float(tree.threshold[node]),
        mode="BRANCH_LEQ",
        yes=int(tree.left[node]),
        no=int(tree.right[node]),
        nan=int(tree.missing_left[node]),
    )


def _add_membership(table: _Table, number: int, tree: Tree, node: int, spare: int) -> int:
    """A chain of equality tests whose hits share the left branch; answers the next unused node id.

    The miss of the last test goes right. An unknown category is NaN by now: it counts as missing.
    """
    # A split may set missing values apart from all codes; no code is negative, so this test hits none.
    codes = sorted(tree.members[node]) or [-1]
    ids = [node, *range(spare, spare + len(codes) - 1)]
    for place, code in enumerate(codes):
        last = place == len(codes) - 1
        table.node(
            tree=number,
            id=ids[place],
            feature=int(tree.feature[node]),
            value=float(code),
            mode="BRANCH_EQ",
            yes=int(tree.left[node]),
            no=int(tree.right[node]) if last else ids[place + 1],
            nan=int(tree.missing_left[node]),
        )
    return spare + len(codes) - 1


def _add_leaf(table: _Table, number: int, node: int, values: npt.NDArray[np.float64], target: int) -> None:
    table.node(tree=number, id=node, feature=0, value=0.0, mode="LEAF", yes=0, no=0, nan=0)
    for place, value in enumerate(values.tolist()):
        table.leaf(tree=number, node=node, target=target + place, weight=value)


def _attributes(table: _Table, dtype: npt.DTypeLike) -> dict[str, Any]:
    nodes, leaves = table.nodes, table.leaves
    return {
        "nodes_treeids": nodes["tree"],
        "nodes_nodeids": nodes["id"],
        "nodes_featureids": nodes["feature"],
        "nodes_modes": nodes["mode"],
        "nodes_truenodeids": nodes["yes"],
        "nodes_falsenodeids": nodes["no"],
        "nodes_missing_value_tracks_true": nodes["nan"],
        "target_treeids": leaves["tree"],
        "target_nodeids": leaves["node"],
        "target_ids": leaves["target"],
        **_numbers(nodes["value"], leaves["weight"], dtype),
    }


def _numbers(thresholds: list[float], weights: list[float], dtype: npt.DTypeLike) -> dict[str, Any]:
    from onnx import numpy_helper

    if dtype == np.float32:
        return {"nodes_values": floor32(thresholds).tolist(), "target_weights": weights}
    return {
        "nodes_values_as_tensor": numpy_helper.from_array(np.asarray(thresholds, np.float64), "thresholds"),
        "target_weights_as_tensor": numpy_helper.from_array(np.asarray(weights, np.float64), "weights"),
    }
