"""What there is to quantise in a graph: which products with weights it has, and which stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Method = Literal["dynamic", "static"]

_MATRIX = frozenset({"MatMul", "Gemm", "Attention"})
_CONVOLUTION = frozenset({"Conv"})
_WEIGHTED = _MATRIX | _CONVOLUTION
FLOAT = 1  # TensorProto.FLOAT: numbers of 64 bits were chosen because 32 were too few
_FEW = 4096
"""A product with fewer weights than this costs less than turning its input into integers."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What can be made int8 in a graph.

    Attributes:
        method: `dynamic` (ranges of activations measured at each call) for matrix products, `static` (ranges
            fixed beforehand on sample rows) where there are convolutions; None when there is nothing.
        kept: names of weighted nodes that stay in fp32: those next to the outputs, and tiny ones.
        nodes: how many become int8.
        reason: why there is nothing; empty when there is something.
    """

    method: Method | None
    kept: tuple[str, ...] = ()
    nodes: int = 0
    reason: str = ""


def anatomy(model: Any) -> Anatomy:
    """The anatomy of an `onnx.ModelProto` whose constants are folded and whose nodes are named."""
    floats = [tensor for tensor in model.graph.initializer if tensor.data_type == FLOAT]
    weights = {tensor.name: _size(tensor) for tensor in floats}
    weighted = {node.name: node for node in model.graph.node if _weighted(node, weights)}
    heads = _heads(model, set(weighted))
    kept = [name for name, node in weighted.items() if name in heads or _tiny(node, weights)]
    taken = [node for name, node in weighted.items() if name not in kept]
    if not taken:
        return Anatomy(None, reason=_nothing(model, bool(weighted)))
    method: Method = "static" if any(node.op_type in _CONVOLUTION for node in taken) else "dynamic"
    return Anatomy(method, tuple(kept), len(taken))


def _size(tensor: Any) -> int:
    size = 1
    for each in tensor.dims:
        size *= each
    return size


def _tiny(node: Any, weights: dict[str, int]) -> bool:
    """A convolution with few weights still goes over a whole picture."""
    return node.op_type in _MATRIX and weights[node.input[1]] < _FEW


def _weighted(node: Any, weights: dict[str, int]) -> bool:
    return node.op_type in _WEIGHTED and len(node.input) > 1 and node.input[1] in weights


def _heads(model: Any, weighted: set[str]) -> set[str]:
    """Weighted nodes with no other one between them and an output: their errors reach callers whole."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [output.name for output in model.graph.output]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        node = makers[name]
        if node.name in weighted:
            found.add(node.name)
        else:
            waiting.extend(_read_by(node))
    return found


def _read_by(node: Any) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read_by(inner)


def _nothing(model: Any, weighted: bool) -> str:
    kinds = {node.op_type for node in model.graph.node}
    if any(kind.startswith("TreeEnsemble") for kind in kinds):
        return "nothing to quantise: trees are comparisons, not products"
    if weighted or kinds & {"LinearClassifier", "LinearRegressor", "SVMClassifier", "SVMRegressor"}:
        return "nothing to quantise: the only products are at the output or tiny, and those keep fp32"
    return "nothing to quantise: the graph has no products with weights"
