"""What a bundle was made from is kept beside it, and compiles again."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import modelport
from modelport.bundle.trust import audit
from modelport.compile import again, sources
from modelport.compile.pack import pack
from modelport.compile.pack_file import pack_file
from modelport.errors import SourceRefused, Unsupported


@pytest.fixture(scope="module")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a pickle, its sources beside it, everything it was made from gone."""
    folder = tmp_path_factory.mktemp("pickled")
    frame, target = load_iris(return_X_y=True, as_frame=True)
    frame.to_csv(folder / "rows.csv", index=False)
    joblib.dump(LogisticRegression(max_iter=500).fit(frame, target), folder / "iris.joblib")
    bundle = save(folder / "iris.joblib", folder / "rows.csv", folder / "iris.bundle")
    for file in ("iris.joblib", "rows.csv"):
        (folder / file).unlink()
    return bundle


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A bundle of a graph whose weights lay beside it, everything it was made from gone."""
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Softmax", ["y"], ["z"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.bin", size_threshold=0)
    (tmp_path / "rows.csv").write_text("a,b,c,d\n" + "1,2,3,4\n" * 3)
    made = save(tmp_path / "m.onnx", tmp_path / "rows.csv", tmp_path / "iris.bundle")
    for name in ("m.onnx", "m.bin", "rows.csv"):
        (tmp_path / name).unlink()
    return made


def save(model: Path, sample: Path, target: Path, **choices: Any) -> Path:
    wanted = {"name": "iris", "labels": ["a", "b", "c"], "version": "2.1.0", **choices}
    made = pack_file(model, sample_path=sample, trust_pickle=True, **wanted)
    again.save(made, target, *sources.chosen({"model": model, "sample": sample}, **wanted))
    return target


def test_the_same_sources_give_the_same_model(pickled: Path, tmp_path: Path) -> None:
    changed = again.compile_again(pickled, tmp_path / "new.bundle", trust_pickle=True)
    assert changed.same
    assert changed.before.identity == changed.after.identity
    assert changed.after.largest_difference is not None
    assert changed.after.compiled_us.keys() == {1, 32, 128}
    with modelport.open_bundle(tmp_path / "new.bundle") as bundle:
        assert (bundle.about.label, bundle.manifest.labels) == ("2.1.0", ("a", "b", "c"))


def test_what_was_compiled_again_can_be_compiled_again(packed: Path) -> None:
    first = sources.beside(packed).read_bytes()
    for _ in range(2):
        assert again.compile_again(packed, packed).same
    assert sources.beside(packed).read_bytes() == first
    assert {item.name for item in packed.parent.iterdir()} == {"iris.bundle", "iris.source.zip"}


def test_a_bundle_stays_free_of_the_pickle_it_was_made_from(pickled: Path) -> None:
    with modelport.open_bundle(pickled) as bundle:
        audit(bundle)
        assert not any(b"sklearn.linear_model" in bundle.read(entry.path) for entry in bundle.manifest.files)
    with zipfile.ZipFile(sources.beside(pickled)) as archive:
        assert set(archive.namelist()) == {"choices.json", "model.joblib", "sample.csv"}


def test_trust_in_a_pickle_is_not_handed_on_with_it(pickled: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as caught:
        again.compile_again(pickled, tmp_path / "new.bundle")
    assert caught.value.code == "pickle-untrusted"
    assert not (tmp_path / "new.bundle").exists()


def test_other_sources_are_not_taken_for_those_of_the_bundle(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(sources.beside(packed), "a") as archive:
        archive.writestr("more.txt", "a byte more")
    with pytest.raises(SourceRefused) as caught:
        again.compile_again(packed, tmp_path / "new.bundle", trust_pickle=True)
    assert caught.value.code == "sources-changed"


def test_sources_may_lie_elsewhere_and_their_absence_is_said(packed: Path, tmp_path: Path) -> None:
    moved = sources.beside(packed).rename(tmp_path / "kept.zip")
    with pytest.raises(SourceRefused, match=r"iris\.source\.zip") as caught:
        again.compile_again(packed, packed)
    assert caught.value.code == "sources-absent"
    assert again.compile_again(packed, packed, sources=moved).same


def test_a_bundle_of_a_live_object_has_no_sources(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    pack(model, name="live", sample=rows).save(tmp_path / "live.bundle").close()
    with pytest.raises(SourceRefused, match="without its sources"):
        again.compile_again(tmp_path / "live.bundle", tmp_path / "new.bundle")


def test_another_precision_is_asked_for_and_refused_with_its_reason(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(Unsupported) as caught:
        again.compile_again(packed, tmp_path / "new.bundle", quantize="int8")
    assert caught.value.code == "nothing-to-quantize"
    kept = again.compile_again(packed, tmp_path / "new.bundle", quantize="auto")
    assert kept.same
    assert kept.after.made_with["precision"] == "fp32"


def test_a_folder_keeps_its_plain_files_only(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    for name in ("config.json", "inner/table.txt", ".hidden"):
        (folder / name).write_text(name)
    (folder / "link").symlink_to(tmp_path)
    (tmp_path / "rows.txt").write_text("a text\n")
    known, files = sources.chosen({"model": folder, "sample": tmp_path / "rows.txt"}, name="m")
    made = sources.draft(tmp_path / "m.bundle", known, files)
    made.place()
    with zipfile.ZipFile(tmp_path / "m.source.zip") as archive:
        assert set(archive.namelist()) == {
            "choices.json",
            "model/config.json",
            "model/inner/table.txt",
            "sample.txt",
        }


def test_a_name_that_no_archive_holds_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "bad name.json").write_text("{}")
    (tmp_path / "rows.txt").write_text("a text\n")
    with pytest.raises(SourceRefused, match="plain relative name"):
        sources.draft(
            tmp_path / "m.bundle",
            *sources.chosen({"model": folder, "sample": tmp_path / "rows.txt"}, name="m"),
        )
    assert {item.name for item in tmp_path.iterdir()} == {"model", "rows.txt"}
