"""ONNX bundles answer as their graph does, and say so plainly when they cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelport.bundle.reader import open_bundle
from modelport.bundle.writer import write
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, Step
from modelport.core.signature import Field, Signature
from modelport.errors import BundleCorrupt, BundleRefused, ModelFailed
from modelport.runtimes.batch import Batch
from modelport.runtimes.load import load as loaded
from modelport.runtimes.onnx import GRAPH, OnnxPredictor, OnnxRuntime


class Memory:
    """Verified files, for a runtime that reads no others."""

    def __init__(self, manifest: Manifest, graph: bytes) -> None:
        self.manifest = manifest
        self._graph = graph

    def read(self, path: str) -> bytes:
        assert path == GRAPH
        return self._graph


def graph(nodes: list[Any], inputs: list[Any], outputs: list[Any]) -> bytes:
    made = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def manifest(inputs: tuple[Field, ...], outputs: tuple[Field, ...], steps: tuple[Step, ...] = ()) -> Manifest:
    signature = Signature("vector", inputs, outputs)
    return Manifest(FORMAT, "onnx", "regression", signature, None, steps, Parameters(), ())


def doubling(rank: int = 2) -> bytes:
    shape: list[Any] = ["n", 2] if rank == 2 else ["n", 1]
    tensor = TensorProto.FLOAT
    return graph(
        [helper.make_node("Add", ["input", "input"], ["value"])],
        [helper.make_tensor_value_info("input", tensor, shape)],
        [helper.make_tensor_value_info("value", tensor, shape)],
    )


WIDE = (Field("input", "FP32", (-1, 2)),), (Field("value", "FP32", (-1, 2)),)
FLAT = (Field("input", "FP32", (-1,)),), (Field("value", "FP32", (-1,)),)


def load(data: bytes, document: Manifest) -> OnnxPredictor:
    return OnnxRuntime().load(Memory(document, data))


def test_every_row_is_answered_in_order() -> None:
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    answer = load(doubling(), manifest(*WIDE)).predict(Batch(5, {"input": rows}))
    assert answer.rows == 5
    np.testing.assert_array_equal(answer.array("value"), rows * 2)


def test_columns_of_the_signature_meet_a_graph_that_wants_matrices() -> None:
    answer = load(doubling(1), manifest(*FLAT)).predict(Batch(3, {"input": np.ones(3, np.float32)}))
    assert answer.array("value").tolist() == [2, 2, 2]


def test_missing_text_is_filled_before_the_graph_sees_it() -> None:
    echo = graph(
        [helper.make_node("Identity", ["city"], ["value"])],
        [helper.make_tensor_value_info("city", TensorProto.STRING, ["n"])],
        [helper.make_tensor_value_info("value", TensorProto.STRING, ["n"])],
    )
    step = Step("fill_missing", {"column": "city", "value": "nowhere"})
    document = manifest((Field("city", "BYTES", (-1,)),), (Field("value", "BYTES", (-1,)),), (step,))
    cities = np.array(["Oslo", None], object)
    answer = load(echo, document).predict(Batch(2, {"city": cities}))
    assert answer.array("value").tolist() == ["Oslo", "nowhere"]
    assert cities.tolist() == ["Oslo", None]


def test_one_predictor_serves_many_threads() -> None:
    predictor = load(doubling(), manifest(*WIDE))

    def ask(number: int) -> bool:
        rows = np.full((number % 7 + 1, 2), number, np.float32)
        return bool((predictor.predict(Batch(len(rows), {"input": rows})).array("value") == number * 2).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(200)))


def test_rows_that_the_graph_refuses_are_the_models_failure() -> None:
    with pytest.raises(ModelFailed):
        load(doubling(), manifest(*WIDE)).predict(Batch(1, {"input": np.ones((1, 3), np.float32)}))


def test_bytes_that_are_no_graph_are_corrupt() -> None:
    with pytest.raises(BundleCorrupt, match="cannot load"):
        load(b"not a graph", manifest(*WIDE))


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ((Field("other", "FP32", (-1, 2)),), WIDE[1]),
        (WIDE[0], (Field("other", "FP32", (-1, 2)),)),
        ((), WIDE[1]),
    ],
)
def test_a_graph_other_than_the_signature_says_is_refused(
    inputs: tuple[Field, ...], outputs: tuple[Field, ...]
) -> None:
    with pytest.raises(BundleCorrupt, match="signature"):
        load(doubling(), manifest(inputs, outputs))


def test_an_unknown_step_is_refused_before_any_row() -> None:
    with pytest.raises(BundleRefused, match="juggle"):
        load(doubling(), manifest(*WIDE, steps=(Step("juggle"),)))


def test_options_a_step_does_not_take_are_corrupt() -> None:
    with pytest.raises(BundleCorrupt):
        load(doubling(), manifest(*WIDE, steps=(Step("fill_missing", {"colum": "a"}),)))


def test_62_weights_beside_the_graph_are_those_of_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of a file of the same name in the working folder."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": "weights.bin", "offset": "4", "length": "8"}.items():
        tensor.external_data.add(key=key, value=value)
    shape = [None, 2]
    made = helper.make_graph(
        [helper.make_node("Add", ["input", "w"], ["value"])],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, shape)],
        [tensor],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    files = {GRAPH: model.SerializeToString(), "model/weights.bin": np.array([9, 1, 2], np.float32).tobytes()}
    write(tmp_path / "m.bundle", manifest(*WIDE), About("m"), files, {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(np.array([7, 7, 7], np.float32).tobytes())
    with open_bundle(tmp_path / "m.bundle") as bundle:
        predictor = loaded(bundle)
    answer = predictor.predict(Batch(1, {"input": np.array([[10, 20]], np.float32)}))
    assert answer.array("value").tolist() == [[11, 22]]
