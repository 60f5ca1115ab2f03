"""Graphs lose the nodes that do nothing, and answer as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from modelport.compile.sklearn.tidy import tidied
from modelport.runtimes.onnx import open_session


def graph(nodes: list[Any], outputs: list[Any], constants: dict[str, Any] | None = None) -> ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 3])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", 19), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def kinds(model: ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def answers(model: ModelProto) -> list[Any]:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    found: list[Any] = open_session(model.SerializeToString()).run(None, {"input": rows})
    return found


def test_what_does_nothing_goes_and_the_answers_stay() -> None:
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])
    label = helper.make_tensor_value_info("label", TensorProto.INT64, [None])
    model = graph(
        [
            helper.make_node("Identity", ["input"], ["a"]),
            helper.make_node("Neg", ["a"], ["b"]),
            helper.make_node("Flatten", ["b"], ["c"], axis=1),
            helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT),
            helper.make_node("ArgMax", ["b"], ["d"], axis=1, keepdims=0),
            helper.make_node("Flatten", ["d"], ["e"], axis=1),
            helper.make_node("Gather", ["e", "last"], ["f"], axis=1),
            helper.make_node("Cast", ["f"], ["g"], to=TensorProto.INT64),
            helper.make_node(
                "LabelEncoder", ["g"], ["label"], domain="ai.onnx.ml",
                keys_int64s=[0, 1, 2], values_int64s=[0, 1, 2], default_int64=-1,
            ),
        ],
        [label, y],
        {"last": np.int64(-1)},
    )  # fmt: skip
    tidy = tidied(model)
    checker.check_model(tidy, full_check=True)
    # The output `y` is read on, so its maker keeps one node of the two that name it.
    assert kinds(tidy) == ["Neg", "ArgMax"]
    for before, after in zip(answers(model), answers(tidy), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Cast", ["input"], ["y"], to=TensorProto.DOUBLE),
        helper.make_node("Flatten", ["input"], ["y"], axis=0),
        helper.make_node("Gather", ["input", "last"], ["y"], axis=1),
    ],
    ids=lambda node: str(node.op_type),
)
def test_what_does_something_stays(node: Any) -> None:
    y = helper.make_tensor_value_info(
        "y", TensorProto.DOUBLE if node.op_type == "Cast" else TensorProto.FLOAT, None
    )
    model = graph([node], [y], {"last": np.int64(-1)} if node.op_type == "Gather" else None)
    assert kinds(tidied(model)) == [node.op_type]


def test_a_table_that_maps_classes_to_others_stays() -> None:
    label = helper.make_tensor_value_info("label", TensorProto.INT64, [None])
    model = graph(
        [
            helper.make_node("ArgMax", ["input"], ["a"], axis=1, keepdims=0),
            helper.make_node(
                "LabelEncoder", ["a"], ["label"], domain="ai.onnx.ml",
                keys_int64s=[0, 1, 2], values_int64s=[0, 2, 1], default_int64=-1,
            ),
        ],
        [label],
    )  # fmt: skip
    assert kinds(tidied(model)) == ["ArgMax", "LabelEncoder"]


def test_an_input_that_is_the_output_keeps_its_node() -> None:
    """A graph cannot answer with its own input under another name."""
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])
    model = graph([helper.make_node("Identity", ["input"], ["y"])], [y])
    assert kinds(tidied(model)) == ["Identity"]


def test_two_outputs_of_one_tensor_keep_their_names() -> None:
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in ("y", "z")]
    model = graph(
        [
            helper.make_node("Neg", ["input"], ["y"]),
            helper.make_node("Identity", ["y"], ["z"]),
        ],
        outputs,
    )
    tidy = tidied(model)
    assert [result.name for result in tidy.graph.output] == ["y", "z"]
    for before, after in zip(answers(model), answers(tidy), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_graph_with_graphs_inside_is_left_alone() -> None:
    branch = helper.make_graph(
        [helper.make_node("Identity", ["a"], ["out"])],
        "branch",
        [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 3])],
    )
    model = graph(
        [
            helper.make_node("Identity", ["input"], ["a"]),
            helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])],
        {"yes": np.bool_(True)},
    )
    assert tidied(model) is model
