"""Small networks that are worth quantising: a perceptron, and a convolution with random filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from tests.compile.quantize.networks import Digits, as_images

from modelport.runtimes.batch import Array


@pytest.fixture(scope="session")
def digits() -> Digits:
    images, truth = load_digits(return_X_y=True)
    images = images / 16
    return Digits(images[:600], truth[:600], images[600:], truth[600:])


@pytest.fixture(scope="session")
def perceptron(digits: Digits) -> MLPClassifier:
    return MLPClassifier((128, 128), max_iter=60, random_state=0).fit(digits.seen, digits.seen_truth)


@pytest.fixture(scope="session")
def convolution(digits: Digits) -> bytes:
    """Random filters, of channels of very unequal size, and a fitted head: an ONNX graph of images."""
    rng = np.random.default_rng(0)
    filters = (
        rng.normal(size=(64, 1, 3, 3)).astype(np.float32) * np.geomspace(0.1, 10, 64)[:, None, None, None]
    )
    second = rng.normal(size=(32, 64, 3, 3)).astype(np.float32) / 24
    weights = {"first": filters.astype(np.float32), "second": second.astype(np.float32)}
    features = _graph(weights, head=None)
    from modelport.runtimes.onnx import open_session

    (found,) = open_session(features).run(None, {"image": as_images(digits.seen)})
    head = LogisticRegression(max_iter=2000).fit(found, digits.seen_truth)
    return _graph(weights, head)


def _graph(weights: dict[str, Array], head: Any) -> bytes:
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["features"]),
    ]
    width, output = 512, "features"
    if head is not None:
        weights = weights | {"w": head.coef_.T.astype(np.float32), "b0": head.intercept_.astype(np.float32)}
        nodes.append(helper.make_node("Gemm", ["features", "w", "b0"], ["logits"]))
        nodes.append(helper.make_node("Softmax", ["logits"], ["chance"], axis=-1))
        width, output = 10, "chance"
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
