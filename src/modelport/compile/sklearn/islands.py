"""Operators that ONNX Runtime knows in float32 only, inside a graph that computes in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.compile.sklearn.thresholds import narrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import ModelProto, NodeProto

OURS = "modelport"
"""Prefix of the names of nodes that our own converters wrote: they mind their dtypes themselves."""

_FLOAT32_ONLY = {"TreeEnsembleClassifier", "TreeEnsembleRegressor", "SVMClassifier", "SVMRegressor"}
_LABELLED = {"TreeEnsembleClassifier", "SVMClassifier"}


def enclose(model: ModelProto) -> None:
    """Put casts around those operators: float64 in, float32 inside, float64 out.

    It is also what scikit-learn does to the input of its trees.
    """
    nodes = [each for node in model.graph.node for each in _enclosed(node)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _enclosed(node: NodeProto) -> Iterator[NodeProto]:
    from onnx import TensorProto, helper

    if node.op_type not in _FLOAT32_ONLY or node.name.startswith(OURS):
        yield node
        return
    numbers = len(node.output) - 1 if node.op_type in _LABELLED else 0
    source, result = node.input[0], node.output[numbers]
    node.input[0], node.output[numbers] = f"{result}_from32", f"{result}_in32"
    narrow(node)
    yield helper.make_node("Cast", [source], [node.input[0]], to=TensorProto.FLOAT)
    yield node
    yield helper.make_node("Cast", [node.output[numbers]], [result], to=TensorProto.DOUBLE)
