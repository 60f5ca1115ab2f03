"""Keras files, SavedModels and TensorFlow Lite files become proven bundles, or are refused with a reason."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.compile.keras import models as made

from modelport.bundle.reader import open_bundle
from modelport.bundle.trust import audit
from modelport.compile.pack_file import pack_file
from modelport.compile.packed import Packed
from modelport.core.signature import Item, Task
from modelport.errors import CompileError, SandboxError

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]  # the libraries' own

Write = Callable[[Any, Path], Path]


def keras(model: Any, folder: Path) -> Path:
    model.save(folder / "model.keras")
    return folder / "model.keras"


def h5(model: Any, folder: Path) -> Path:
    model.save(folder / "model.h5")
    return folder / "model.h5"


def savedmodel(model: Any, folder: Path) -> Path:
    model.export(folder / "model", verbose=False)
    return folder / "model"


def lite(model: Any, folder: Path, **options: Any) -> Path:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in options.items():
        setattr(converter, name, value)
    (folder / "model.tflite").write_bytes(converter.convert())
    return folder / "model.tflite"


def quantised(model: Any, folder: Path) -> Path:
    import tensorflow as tf

    return lite(model, folder, optimizations=[tf.lite.Optimize.DEFAULT])


Case = tuple[made.Build, Write, str, Task, Item]
MODELS: Mapping[str, Case] = {
    "dense-keras": (made.dense, keras, "four.csv", "classification", "vector"),
    "dense-lite": (made.dense, lite, "four.csv", "tensors", "vector"),
    "normalised-h5": (made.normalised, h5, "four.csv", "regression", "vector"),
    "normalised-savedmodel": (made.normalised, savedmodel, "four.csv", "tensors", "vector"),
    "binary-keras": (made.binary, keras, "four.csv", "classification", "vector"),
    "logits-h5": (made.logits, h5, "four.csv", "classification", "vector"),
    "binned-keras": (made.binned, keras, "four.csv", "tensors", "vector"),
    "pictures-keras": (made.pictures, keras, "pictures.jsonl", "tensors", "tensors"),
    "pictures-lite": (made.pictures, lite, "pictures.jsonl", "tensors", "tensors"),
    "upsampled-keras": (made.upsampled, keras, "small.jsonl", "tensors", "tensors"),
    "lstm-savedmodel": (made.lstm, savedmodel, "steps.jsonl", "tensors", "tensors"),
    "gru-keras": (made.gru, keras, "steps.jsonl", "tensors", "tensors"),
    "tokens-keras": (made.tokens, keras, "tokens.jsonl", "tensors", "tensors"),
    "attention-keras": (made.attention, keras, "attended.jsonl", "tensors", "tensors"),
    "people-keras": (made.people, keras, "people.csv", "tensors", "columns"),
    "people-savedmodel": (made.people, savedmodel, "people.csv", "tensors", "columns"),
}


def pack(path: Path, sample: Path, **more: Any) -> Packed:
    return pack_file(path, name="model", sample_path=sample, **more)


@pytest.mark.parametrize("case", MODELS.values(), ids=MODELS.keys())
def test_a_model_becomes_a_proven_bundle(rows: Path, tmp_path: Path, case: Case) -> None:
    build, write, sample, task, item = case
    packed = pack(write(build(), tmp_path), rows / sample)
    assert packed.parity.holds
    assert (packed.manifest.task, packed.manifest.signature.item) == (task, item)
    packed.save(tmp_path / "model.bundle").close()
    with open_bundle(tmp_path / "model.bundle") as bundle:
        audit(bundle)
    print(packed.about.source, packed.parity.differences, [each.ratio for each in packed.speed.timings])


def test_one_number_per_row_is_about_the_second_of_two_classes(rows: Path, tmp_path: Path) -> None:
    packed = pack(keras(made.binary(), tmp_path), rows / "four.csv", labels=["no", "yes"])
    assert packed.manifest.labels == ("no", "yes")
    assert [field.name for field in packed.manifest.signature.outputs] == ["label", "probabilities"]
    packed = pack(keras(made.normalised(), tmp_path), rows / "four.csv", task="classification")
    assert [field.name for field in packed.manifest.signature.outputs] == ["label", "scores"]


def test_a_signature_can_be_chosen_by_name(rows: Path, tmp_path: Path) -> None:
    path = savedmodel(made.dense(), tmp_path)
    assert pack(path, rows / "four.csv", signature="serve").about.source["signature"] == "serve"
    assert pack(path, rows / "four.csv").about.source["signature"] == "serving_default"
    with pytest.raises(CompileError, match="serving_default") as caught:
        pack(path, rows / "four.csv", signature="train")
    assert caught.value.code == "no-signature"


@pytest.mark.parametrize("write", [keras, h5])
def test_code_in_a_description_is_refused_before_keras_sees_it(
    rows: Path, tmp_path: Path, write: Write
) -> None:
    with pytest.raises(CompileError, match="Lambda") as caught:
        pack(write(made.lambdas(), tmp_path), rows / "four.csv")
    assert caught.value.code == "keras-code"


@pytest.mark.parametrize("write", [keras, h5])
def test_a_layer_of_somebodys_own_is_named(rows: Path, tmp_path: Path, write: Write) -> None:
    import keras as library

    class Doubled(library.layers.Layer):  # type: ignore[misc]  # keras is not there for type checkers
        def call(self, values: Any) -> Any:
            return values * 2

    model = made.sequential(library.Input((4,)), Doubled())
    with pytest.raises(CompileError, match="Doubled") as caught:
        pack(write(model, tmp_path), rows / "four.csv")
    assert caught.value.code == "keras-custom"


@pytest.mark.parametrize(("build", "operator"), [(made.texts, "StringSplit"), (made.hashed, "HashBucket")])
def test_an_operator_that_onnx_lacks_is_named(
    rows: Path, tmp_path: Path, build: made.Build, operator: str
) -> None:
    with pytest.raises(CompileError, match=operator) as caught:
        pack(keras(build(), tmp_path), rows / "texts.txt")
    assert caught.value.code == "unsupported-operator"


def test_lite_weights_in_eight_bits_are_packed_or_fail_parity(rows: Path, tmp_path: Path) -> None:
    try:
        assert pack(quantised(made.dense(), tmp_path), rows / "four.csv").parity.holds
    except CompileError as error:
        assert error.code in {"parity", "conversion-failed", "unsupported-operator"}, error  # noqa: PT017


def test_weights_without_their_model_are_refused(rows: Path, tmp_path: Path) -> None:
    made.dense().save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(CompileError, match="without their model") as caught:
        pack(tmp_path / "model.weights.h5", rows / "four.csv")
    assert caught.value.code == "keras-corrupt"


def test_damage_is_told_from_absence(rows: Path, tmp_path: Path) -> None:
    folder = savedmodel(made.dense(), tmp_path)
    next((folder / "variables").glob("*.data*")).write_bytes(b"short")
    with pytest.raises(CompileError) as caught:
        pack(folder, rows / "four.csv")
    assert caught.value.code == "savedmodel-corrupt"
    path = keras(made.dense(), tmp_path)
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    with pytest.raises(CompileError) as caught:
        pack(path, rows / "four.csv")
    assert caught.value.code == "keras-corrupt"


def test_a_sandbox_without_room_for_files_is_not_enough(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelport.compile.sandbox.bwrap.program", lambda: None)
    with pytest.raises(SandboxError, match="temporary files") as caught:
        pack(keras(made.dense(), tmp_path), rows / "four.csv")
    assert caught.value.code == "sandbox-missing"
