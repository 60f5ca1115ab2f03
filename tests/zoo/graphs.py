"""ONNX graphs that are no good."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tests.zoo.animals import Animal, file


def _graph(
    *nodes: Any,
    rows: Any = None,
    initializer: Any = (),
    width: int = 4,
    answers: Any = (None, None),
    **more: Any,
) -> bytes:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, width])
    found = helper.make_tensor_value_info("y", TensorProto.FLOAT, answers)
    graph = helper.make_graph(nodes, "g", [given], [found], list(initializer))
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, ir_version=10, opset_imports=opsets)
    return bytes(made.SerializeToString())


def _cycle() -> bytes:
    return _graph(
        helper.make_node("Add", ["x", "b"], ["a"]),
        helper.make_node("Abs", ["a"], ["b"]),
        helper.make_node("Identity", ["a"], ["y"]),
    )


def _trees(**changes: Any) -> bytes:
    """One stump, with one of its lists replaced."""
    known: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
        "nodes_values": [0.5, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0],
        "target_weights": [1.0, 2.0], "n_targets": 1,
    }  # fmt: skip
    return _graph(
        helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **{**known, **changes})
    )


def _huge_output() -> bytes:
    """A megabyte that grows to a terabyte: the row is repeated by what a constant says."""
    many = numpy_helper.from_array(np.array([1 << 30, 64], np.int64), "many")
    return _graph(helper.make_node("Tile", ["x", "many"], ["y"]), initializer=[many])


def _without_end() -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Abs", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, [None, 4]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [None, 4]),
        ],
    )
    trips = numpy_helper.from_array(np.array(1 << 62, np.int64), "trips")
    return _graph(helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body), initializer=[trips])


def _named(name: str) -> bytes:
    made = onnx.load_model_from_string(_graph(helper.make_node("Abs", ["x"], ["y"])))
    made.graph.input[0].name = name
    made.graph.node[0].input[0] = name
    return bytes(made.SerializeToString())


_WHOLE = _graph(helper.make_node("Abs", ["x"], ["y"]))
_SAME = helper.make_node("Identity", ["x"], ["y"])

ANIMALS = (
    Animal("onnx-empty", file("m.onnx", b""), "source-mismatch", "its bytes say"),
    Animal("onnx-cut", file("m.onnx", _WHOLE[:-7]), "source-mismatch", "its bytes say"),
    Animal("onnx-cycle", file("m.onnx", _cycle()), "graph-refused", ""),
    Animal("onnx-unknown-operator", file("m.onnx", _graph(helper.make_node("Explode", ["x"], ["y"]))),
           "graph-refused", ""),
    Animal("onnx-input-from-nowhere", file("m.onnx", _graph(helper.make_node("Abs", ["z"], ["y"]))),
           "graph-refused", ""),
    Animal("onnx-one-row", file("m.onnx", _graph(_SAME, rows=1)), "unsupported-model", "fixed shape"),
    Animal("onnx-another-width", file("m.onnx", _graph(_SAME, width=9)), "sample-mismatch", "9 numbers"),
    Animal("onnx-trees-beyond-the-last", file("m.onnx", _trees(nodes_truenodeids=[1 << 31, 0, 0])),
           "graph-refused", ""),
    Animal("onnx-trees-of-nan", file("m.onnx", _trees(nodes_values=[float("nan"), 0.0, 0.0],
                                                      nodes_modes=["BRANCH_LEQ", "LEAF"])),
           "graph-refused", ""),
    Animal("onnx-a-terabyte-of-output", file("m.onnx", _huge_output()), "model-failed", "could not answer"),
    Animal("onnx-no-shape", file("m.onnx", _graph(_SAME, answers=None)), "graph-refused", "not well formed"),
    Animal("onnx-without-end", file("m.onnx", _without_end()), "sandbox-cpu", "processor time", cpu=2),
)  # fmt: skip
