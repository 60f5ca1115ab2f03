"""Isolation forests: path lengths summed over trees, turned into an anomaly score."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.ensemble import total
from modelport.compile.sklearn.converters.forests import single
from modelport.compile.sklearn.converters.registry import OUTLIER, use
from modelport.compile.sklearn.converters.shapes import floating
from modelport.compile.sklearn.converters.trees import Tree, of_sklearn


def register() -> None:
    from sklearn.ensemble import IsolationForest

    use(IsolationForest, _declare, _convert, OUTLIER)


def _declare(operator: Any) -> None:
    from skl2onnx.common.data_types import Int64TensorType

    operator.outputs[0].type = Int64TensorType([None, 1])
    operator.outputs[1].type = floating(operator, 1)


def _convert(emit: Emitter) -> None:
    model = emit.model
    trees = [(_with_depths(model, place), 0) for place in range(len(model.estimators_))]
    depth = total(emit, single(emit), trees, 1)
    halvings = emit.node("Div", depth, emit.number(-_usual_depth(model) * len(trees)))
    score = emit.node("Pow", emit.number(2.0), halvings)
    decision = emit.node("Sub", emit.number(-model.offset_), score)
    inside = emit.cast(emit.node("GreaterOrEqual", decision, emit.number(0.0)), np.int64)
    doubled = emit.node("Mul", inside, emit.constant(np.asarray([2], np.int64)))
    emit.answer(emit.node("Sub", doubled, emit.constant(np.asarray([1], np.int64))))
    emit.answer(decision, 1)


def _with_depths(model: Any, place: int) -> Tree:
    """Tree number `place`, its features numbered as in the whole input, its values path lengths."""
    tree = of_sklearn(model.estimators_[place].tree_)
    lengths = model._decision_path_lengths[place] + model._average_path_length_per_tree[place] - 1.0  # noqa: SLF001
    features = np.asarray(model.estimators_features_[place], np.int64)
    feature = np.where(tree.leaf, 0, features[np.where(tree.leaf, 0, tree.feature)])
    return replace(tree, feature=feature, values=np.asarray(lengths, np.float64).reshape(-1, 1))


def _usual_depth(model: Any) -> float:
    """The average path length of an unsuccessful search among as many rows as each tree saw."""
    from sklearn.ensemble._iforest import _average_path_length

    return float(_average_path_length([model._max_samples])[0])  # noqa: SLF001
