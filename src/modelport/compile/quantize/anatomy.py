"""What there is to quantise in a graph: which products with weights it has, and which stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Method = Literal["dynamic", "static"]

_MATRIX = frozenset({"MatMul", "Gemm", "Attention"})
_CONVOLUTION = frozenset({"Conv"})
_WEIGHTED = _MATRIX | _CONVOLUTION
_LINEAR = frozenset({"LinearClassifier", "LinearRegressor", "SVMClassifier", "SVMRegressor"})
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
    heads = _heads(model)
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


def _heads(model: Any) -> set[str]:
    """The products nearest to the outputs: their errors reach callers whole.

    Sums that pass layers by (residual connections) lead from an output to a product of every layer; those
    that another one found still reads from are no heads.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    tables = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) > 1}
    first = _nearest([output.name for output in model.graph.output], makers, tables)
    later = set[str]()
    for node in first.values():
        waiting = list(_read_by(node))
        while waiting:
            found = _nearest(waiting, makers, tables)
            fresh = {name: each for name, each in found.items() if name not in later}
            later |= fresh.keys()
            waiting = [name for each in fresh.values() for name in _read_by(each)]
    return set(first) - later


def _nearest(names: Sequence[str], makers: dict[str, Any], tables: set[str]) -> dict[str, Any]:
    """The products from which these tensors come through no other product, by name."""
    found: dict[str, Any] = {}
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        node = makers[name]
        if node.op_type in _LINEAR or (node.op_type in _WEIGHTED and tables & set(node.input)):
            found[node.name] = node
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
    if weighted or kinds & _LINEAR:
        return "nothing to quantise: the only products are at the output or tiny, and those keep fp32"
    return "nothing to quantise: the graph has no products with weights"
