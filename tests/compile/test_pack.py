"""From a model in hand to a bundle on disk that proves itself where it is loaded."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelport
from modelport.compile.compiled import Adopted, Candidate, Compiled
from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.compile.prove import _first_that_holds
from modelport.compile.sample import Sample
from modelport.core.signature import Field, Signature
from modelport.errors import (
    BundleRefused,
    ModelFailed,
    NameInvalid,
    ParityError,
    SettingsError,
    SourceRefused,
    Unsupported,
)
from modelport.runtimes.batch import Batch
from modelport.runtimes.load import load, replay

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def cancer() -> tuple[pd.DataFrame, Any]:
    rows, target = load_breast_cancer(return_X_y=True, as_frame=True)
    return rows, target


@pytest.fixture(scope="module")
def packed(cancer: tuple[pd.DataFrame, Any]) -> Packed:
    rows, target = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target)
    return pack(
        model,
        name="cancer",
        sample=rows[:200],
        labels=["malignant", "benign"],
        version="2.1.0",
        parameters={"confidence_threshold": 0.8},
        tags={"team": "health"},
        now=NOW,
    )


def test_a_packed_model_answers_from_disk_as_the_original_did(
    packed: Packed, cancer: tuple[pd.DataFrame, Any], tmp_path: Path
) -> None:
    rows, target = cancer
    original = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target)
    with packed.save(tmp_path / "cancer.bundle") as bundle:
        predictor = load(bundle)
        batch = Batch(len(rows), {"input": rows.to_numpy(np.float32)})
        answer = predictor.predict(batch)
        golden = bundle.golden()
        assert golden is not None
        replay(predictor, golden, bundle.manifest.signature)
    np.testing.assert_array_equal(answer.array("label"), original.predict(rows))
    np.testing.assert_allclose(answer.array("probabilities"), original.predict_proba(rows), atol=1e-5)


def test_a_bundle_carries_its_evidence(packed: Packed, tmp_path: Path) -> None:
    with packed.save(tmp_path / "cancer.zip") as bundle:
        assert set(bundle.attachments()) == {
            "card.md",
            "golden.json",
            "parity.json",
            "profile.json",
            "speed.json",
        }
        parity = msgspec.json.decode(bundle.attachment("parity.json"))
        profile = msgspec.json.decode(bundle.attachment("profile.json"))
        card = bundle.attachment("card.md").decode()
        about, manifest = bundle.about, bundle.manifest
    assert parity["parity"]["holds"]
    assert parity["tried"][-1] == {"candidate": "float32", "refused": ""}
    assert profile["columns"]["mean radius"]["quantiles"]["0.5"] > 0
    assert "malignant" in card
    assert (about.name, about.label, about.created) == ("cancer", "2.1.0", "2026-01-02T03:04:05Z")
    assert manifest.labels == ("malignant", "benign")
    assert manifest.parameters.confidence_threshold == 0.8
    assert manifest.signature.inputs[0].columns[0] == "mean radius"


def test_golden_rows_hold_common_and_edge_rows(packed: Packed) -> None:
    golden = msgspec.json.decode(packed.attachments["golden.json"])
    assert golden["rows"] == 16


def test_the_same_training_gives_the_same_identity_whatever_it_is_called(
    packed: Packed, cancer: tuple[pd.DataFrame, Any]
) -> None:
    rows, target = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target)
    again = pack(
        model,
        name="other",
        sample=rows[:200],
        labels=["malignant", "benign"],
        parameters={"confidence_threshold": 0.8},
    )
    assert again.identity == packed.identity


def test_a_bundle_of_another_model_fails_the_golden_rows(packed: Packed, tmp_path: Path) -> None:
    golden = msgspec.json.decode(packed.attachments["golden.json"])
    golden["outputs"]["probabilities"][3] = [0.5, 0.5]
    forged = {**packed.attachments, "golden.json": msgspec.json.encode(golden)}
    changed = msgspec.structs.replace(packed.about)
    other = Packed(packed.manifest, changed, packed.files, forged, packed.parity, packed.speed, packed.tried)
    with other.save(tmp_path / "b") as bundle:
        rows = bundle.golden()
        assert rows is not None
        with pytest.raises(ModelFailed, match="golden row 3"):
            replay(load(bundle), rows, bundle.manifest.signature)


def test_columns_are_taken_in_the_models_order_not_the_samples(cancer: tuple[pd.DataFrame, Any]) -> None:
    rows, target = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target)
    shuffled = rows[list(reversed(rows.columns))].assign(extra=1.0)
    found = pack(model, name="m", sample=shuffled[:50])
    assert found.manifest.signature.inputs[0].columns == tuple(rows.columns)


def test_a_tree_on_doubles_is_compiled_to_doubles_and_says_why(cancer: tuple[pd.DataFrame, Any]) -> None:
    rows, target = cancer
    found = pack(HistGradientBoostingClassifier().fit(rows, target), name="m", sample=rows[:100])
    assert [each.candidate for each in found.tried] == ["float32", "float64"]
    assert "expected" in found.tried[0].refused


def test_a_text_pipeline_packs_from_a_list_of_texts(tmp_path: Path) -> None:
    texts = ["good film", "bad film", "great story", "awful story"] * 5
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0] * 5)
    with pack(model, name="films", sample=texts, labels=["bad", "good"]).save(tmp_path / "f") as bundle:
        predictor = load(bundle)
        batch = Batch(1, {"text": np.array(["a great film"], object)})
        assert predictor.predict(batch).array("label").tolist() == [1]
        assert msgspec.json.decode(bundle.attachment("profile.json"))["columns"]["text"]["kind"] == "text"


def flawed(error: float) -> Candidate:
    """A way to compile 'answer the first number' that is off by `error`."""
    nodes = [
        helper.make_node("Gather", ["input", "first"], ["column"], axis=1),
        helper.make_node("Add", ["column", "error"], ["value"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["n"])],
        [
            helper.make_tensor("first", TensorProto.INT64, [], [0]),
            helper.make_tensor("error", TensorProto.FLOAT, [], [error]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    fields = (
        Field("input", "FP32", (-1, 2)),
        Field("value", "FP32", (-1,)),
    )
    signature = Signature("vector", fields[:1], fields[1:])
    files = {"model/graph.onnx": model.SerializeToString()}
    return Candidate(f"off by {error}", lambda: Compiled("onnx", "regression", signature, None, files))


def first_number(*candidates: Candidate) -> Adopted:
    return Adopted("regression", None, candidates, lambda batch: {"value": batch.array("input")[:, 0]})


SMALL = Sample.of(np.array([[1.0, 2.0], [3.0, 4.0]]))


def test_candidates_are_tried_in_order_until_one_holds() -> None:
    _, _, tried = _first_that_holds(first_number(flawed(1), flawed(0), flawed(2)), SMALL)
    assert [(each.candidate, bool(each.refused)) for each in tried] == [
        ("off by 1", True),
        ("off by 0", False),
    ]


def test_when_none_holds_every_refusal_is_told() -> None:
    with pytest.raises(ParityError, match=r"(?s)off by 1: .*off by 2: ") as caught:
        _first_that_holds(first_number(flawed(1), flawed(2)), SMALL)
    assert "row" in str(caught.value)


def test_a_plain_classifier_graph_gets_fixed_names(tmp_path: Path) -> None:
    from skl2onnx import to_onnx

    rows, target = load_iris(return_X_y=True)
    fitted = LogisticRegression(max_iter=1000).fit(rows, target)
    graph = to_onnx(fitted, rows[:1].astype(np.float32), options={"zipmap": False})
    path = tmp_path / "iris.onnx"
    path.write_bytes(graph.SerializeToString())
    with pack(path, name="iris", sample=rows, labels=["a", "b", "c"]).save(tmp_path / "iris.zip") as bundle:
        answer = load(bundle).predict(Batch(150, {"input": rows.astype(np.float32)}))
    np.testing.assert_array_equal(answer.array("label"), fitted.predict(rows))
    assert set(answer.tensors) == {"label", "probabilities"}


def two_inputs() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["left", "right"], ["product"])],
        "g",
        [
            helper.make_tensor_value_info("left", TensorProto.FLOAT, ["n", 2, 3]),
            helper.make_tensor_value_info("right", TensorProto.FLOAT, ["n", 2, 3]),
        ],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, ["n", 2, 3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_a_graph_of_unknown_meaning_keeps_its_own_names(tmp_path: Path) -> None:
    tensors = {"left": np.ones((4, 2, 3)), "right": np.full((4, 2, 3), 2.0)}
    found = pack(two_inputs(), name="product", sample=tensors)
    assert (found.manifest.task, found.manifest.signature.item) == ("tensors", "tensors")
    with found.save(tmp_path / "p") as bundle:
        narrow = {name: values.astype(np.float32) for name, values in tensors.items()}
        assert load(bundle).predict(Batch(4, narrow)).array("product").max() == 2.0


@pytest.mark.parametrize(
    ("model", "sample", "options", "error"),
    [
        (object(), [[1.0]], {}, Unsupported),
        ("model.pkl", [[1.0]], {}, SourceRefused),
        (LogisticRegression(), [[1.0]], {}, Unsupported),
        (b"no graph at all", [[1.0]], {}, BundleRefused),
        (two_inputs(), {"left": np.ones((1, 2, 3))}, {}, Unsupported),
        (two_inputs(), {"left": np.ones((1, 2, 3)), "right": np.ones((2, 2, 3))}, {}, Unsupported),
        (LogisticRegression(), [[1.0]], {"name": "no/name"}, NameInvalid),
        (LogisticRegression(), [[1.0]], {"parameters": {"batchsize": 3}}, SettingsError),
        (LogisticRegression(), [[1.0]], {"vectorizer": TfidfVectorizer()}, Unsupported),
    ],
)
def test_what_cannot_be_packed_is_refused_with_a_reason(
    model: Any, sample: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        pack(model, **{"name": "m", "sample": sample, **options})


def test_importing_modelport_imports_nothing_heavy() -> None:
    heavy = {"numpy", "onnxruntime", "sklearn", "pandas", "httpx", "onnx"}
    code = f"import modelport, sys; print(modelport.__version__, sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{modelport.__version__} []"


@pytest.mark.parametrize("name", ["pack", "open_bundle", "Client", "AsyncClient"])
def test_the_front_door_has_what_it_names(name: str) -> None:
    assert name in modelport.__all__
    assert callable(getattr(modelport, name))


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError):
        _ = modelport.unpack
