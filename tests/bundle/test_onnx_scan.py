"""The wire scanner counts what the onnx package counts, and never trips over bytes it does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from modelport.bundle.onnx_opsets import OPSETS
from modelport.bundle.onnx_scan import MAX_IR, looks_like_model, scan
from modelport.errors import BundleError

X, Y = load_iris(return_X_y=True)


def converted(model: Any) -> onnx.ModelProto:
    from skl2onnx import to_onnx

    proto: onnx.ModelProto = to_onnx(model.fit(X, Y), X[:1].astype(np.float32), target_opset=18)
    return proto


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from graphs_of(inner)


MODELS = [
    RandomForestClassifier(10, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression()),
    KNeighborsClassifier(),
    SVC(probability=False),
    GaussianProcessRegressor(),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_counts_are_those_of_the_onnx_package(model: Any) -> None:
    proto = converted(model)
    found = scan(proto.SerializeToString())
    graphs = list(graphs_of(proto.graph))
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for function in proto.functions for node in function.node]
    assert found.nodes == len(nodes)
    domains = {"ai.onnx": ""}
    assert found.operators == Counter((domains.get(node.domain, node.domain), node.op_type) for node in nodes)
    assert found.initializers == sum(len(graph.initializer) for graph in graphs)
    assert found.functions == len(proto.functions)
    assert found.inputs == tuple(value.name for value in proto.graph.input)
    assert found.outputs == tuple(value.name for value in proto.graph.output)
    assert found.opsets == {opset.domain: opset.version for opset in proto.opset_import}
    assert found.ir_version == proto.ir_version
    assert found.external == ()


def test_limits_are_those_of_the_tested_onnx_package() -> None:
    """A newer onnx writes newer opsets: this test says that the scanner must learn them."""
    assert onnx.defs.onnx_opset_version() <= OPSETS[""]
    assert onnx.IR_VERSION <= MAX_IR


DTYPES = sorted(set(helper.get_all_tensor_dtypes()) - {TensorProto.FLOAT6E2M3, TensorProto.FLOAT6E3M2})


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(TensorProto.DataType.Name(dtype)))
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
def test_every_dtype_of_a_tensor_fits_its_shape(dtype: int, raw: bool) -> None:
    values: Any = np.zeros(6, helper.tensor_dtype_to_np_dtype(dtype))
    if dtype == TensorProto.STRING:
        tensor = TensorProto(name="w", data_type=dtype, dims=[2, 3], string_data=[b"a"] * 6)
    elif raw:
        tensor = numpy_helper.from_array(values.reshape(2, 3), "w")
    else:
        tensor = helper.make_tensor("w", dtype, [2, 3], values)
    scan(_with(tensor))
    tensor.dims[0] = 200
    with pytest.raises(BundleError) as caught:
        scan(_with(tensor))
    assert caught.value.code == "onnx-tensor-bytes"


def _with(tensor: TensorProto) -> bytes:
    graph = helper.make_graph([], "g", [], [], [tensor])
    data: bytes = helper.make_model(
        graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)]
    ).SerializeToString()
    return data


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_answered_or_refused(data: bytes) -> None:
    looks_like_model(data)
    try:
        scan(data)
    except BundleError:
        return


@pytest.mark.filterwarnings("ignore")
def test_any_changed_byte_is_answered_or_refused() -> None:
    """One pass of flipped bytes over a real graph: no other exception than ours."""
    data = bytearray(converted(make_pipeline(StandardScaler(), LogisticRegression())).SerializeToString())
    for place in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            data[place] ^= flip
            try:
                scan(bytes(data))
            except BundleError:
                pass
            finally:
                data[place] ^= flip
