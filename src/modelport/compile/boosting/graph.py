"""A `Boosted` as nodes: the features its trees see, their sum, and what the objective makes of it."""

from __future__ import annotations

import numpy as np

from modelport.compile.boosting.boosted import Boosted
from modelport.compile.boosting.features import Features
from modelport.compile.boosting.tabulated import tabulated
from modelport.compile.sklearn.converters.boosting import decide
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.ensemble import total


def regressor(emit: Emitter, boosted: Boosted) -> None:
    """Answer the numbers of a regressor."""
    emit.answer(_linked(emit, boosted, _raw(emit, boosted)))


def classifier(emit: Emitter, boosted: Boosted) -> None:
    """Answer labels and probabilities (or raw scores) of a classifier."""
    raw = _raw(emit, boosted)
    if isinstance(emit.model.classes_, list):
        _several(emit, boosted, raw)
    elif boosted.link == "one-vs-all":
        emit.classes(emit.node("ArgMax", raw, axis=1, keepdims=0))
        emit.answer(raw if emit.wants("raw_scores") else _linked(emit, boosted, raw), 1)
    elif boosted.link == "step":
        _stepped(emit, boosted, raw)
    else:
        decide(emit, raw, slope=boosted.slope, tie_is_first=True)


def _several(emit: Emitter, boosted: Boosted, raw: str) -> None:
    """One decision per target: its probability, and whether that is above one half."""
    above = emit.cast(emit.node("Greater", raw, emit.number(0.0)), np.int64)
    emit.node("Identity", above, output=emit.operator.outputs[0].full_name)
    emit.answer(_linked(emit, boosted, raw), 1)


def _stepped(emit: Emitter, boosted: Boosted, raw: str) -> None:
    second = _linked(emit, boosted, raw)
    index = emit.node("Reshape", emit.cast(second, np.int64), emit.constant(np.asarray([-1], np.int64)))
    emit.classes(index)
    emit.answer(emit.node("Concat", emit.node("Sub", emit.number(1.0), second), second, axis=1), 1)


def _linked(emit: Emitter, boosted: Boosted, raw: str) -> str:
    """What the objective makes of the sums."""
    if boosted.link in {"sigmoid", "one-vs-all"}:
        scaled = raw if boosted.slope == 1.0 else emit.node("Mul", raw, emit.number(boosted.slope))
        return emit.node("Sigmoid", scaled)
    if boosted.link == "softmax":
        return emit.node("Softmax", raw, axis=1)
    if boosted.link == "square":
        return emit.node("Mul", raw, emit.node("Abs", raw))
    if boosted.link == "step":
        return emit.cast(emit.node("Greater", raw, emit.number(0.0)), emit.dtype)
    if boosted.link in {"exp", "softplus"}:
        grown = emit.node("Exp", raw)
        return grown if boosted.link == "exp" else emit.node("Log", emit.node("Add", grown, emit.number(1.0)))
    return raw


def _raw(emit: Emitter, boosted: Boosted) -> str:
    features = Features(emit, boosted)
    start = emit.constant(np.asarray(boosted.start, emit.dtype).reshape(1, -1))
    if boosted.weights is not None:
        there = features.filled()
        weights = emit.constant(boosted.weights.astype(emit.dtype))
        return emit.node("Add", emit.node("MatMul", there, weights), start)
    width = boosted.width + sum(each.values.shape[1] for each in boosted.crossed)
    trees, sets = tabulated([tree for tree, _ in boosted.trees], width)
    targets = [target for _, target in boosted.trees]
    if not trees:
        return emit.node("Add", emit.node("Mul", emit.pick(features.matrix, 0), emit.number(0.0)), start)
    summed = total(emit, features.with_sets(sets), list(zip(trees, targets, strict=True)), boosted.targets)
    if boosted.divisor != 1.0:
        summed = emit.node("Div", summed, emit.number(boosted.divisor))
    return emit.node("Add", summed, start)
