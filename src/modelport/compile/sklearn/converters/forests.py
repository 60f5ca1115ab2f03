"""Decision trees and forests: leaf values summed, then divided by the number of trees.

Dividing last keeps the votes of fully grown trees whole numbers, so ties stay ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.ensemble import total
from modelport.compile.sklearn.converters.registry import CLASSIFIER, use
from modelport.compile.sklearn.converters.trees import of_sklearn


def register() -> None:
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.tree import (
        DecisionTreeClassifier,
        DecisionTreeRegressor,
        ExtraTreeClassifier,
        ExtraTreeRegressor,
    )

    for kind in (DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier):
        use(kind, shapes.classifier, _classifier, CLASSIFIER)
    for kind in (DecisionTreeRegressor, ExtraTreeRegressor, RandomForestRegressor, ExtraTreesRegressor):
        use(kind, shapes.regressor, _regressor)


def single(emit: Emitter) -> str:
    """The input rounded to float32, as scikit-learn's trees read it, in the emitter's dtype."""
    source = emit.matrix()
    if emit.dtype == np.float32:
        return source
    return emit.cast(emit.cast(source, np.float32), emit.dtype)


def _mean(emit: Emitter, targets: int) -> str:
    members: Sequence[Any] = getattr(emit.model, "estimators_", [emit.model])
    trees = [(of_sklearn(member.tree_), 0) for member in members]
    summed = total(emit, single(emit), trees, targets)
    return summed if len(trees) == 1 else emit.node("Div", summed, emit.number(len(trees)))


def _regressor(emit: Emitter) -> None:
    emit.answer(_mean(emit, int(emit.model.n_outputs_)))


def _classifier(emit: Emitter) -> None:
    if isinstance(emit.model.classes_, list):
        _several(emit)
        return
    probabilities = _mean(emit, len(emit.model.classes_))
    emit.classes(emit.node("ArgMax", probabilities, axis=1, keepdims=0))
    emit.answer(probabilities, 1)


def _several(emit: Emitter) -> None:
    """Several targets: labels `[n, t]`, and the probability of each target's last class `[n, t]`.

    Trees pad every target to the widest one's number of classes.
    """
    targets, widest = int(emit.model.n_outputs_), max(map(len, emit.model.classes_))
    flat = _mean(emit, targets * widest)
    cube = emit.node("Reshape", flat, emit.constant(np.asarray([-1, targets, widest], np.int64)))
    index = emit.node("ArgMax", cube, axis=2, keepdims=0)
    picked = [
        emit.node("Gather", emit.constant(_table(classes)), emit.pick(index, target), axis=0)
        for target, classes in enumerate(emit.model.classes_)
    ]
    emit.node("Concat", *picked, output=emit.operator.outputs[0].full_name, axis=1)
    last = emit.node("Gather", cube, emit.constant(np.asarray(1, np.int64)), axis=2)
    emit.answer(last, 1)


def _table(classes: Any) -> Any:
    values = np.asarray(classes)
    return values if values.dtype.kind in "OU" else values.astype(np.int64)
