"""Model folders of MLflow: what is inside is packed, held to the signature it was logged with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sklearn.datasets import load_iris
from tests.compile.mlflow.conftest import COLUMNS, Folder, document

from modelport.bundle.reader import open_bundle
from modelport.cli.app import app
from modelport.compile.mlflow import flavours
from modelport.compile.mlflow.document import Document
from modelport.compile.pack_file import pack_file
from modelport.compile.packed import Packed
from modelport.errors import CompileError, SourceRefused, Unsupported

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def pack(path: Path, sample: Path | None = None, **more: Any) -> Packed:
    return pack_file(path, name="iris", sample_path=sample, **{"trust_pickle": True, **more})


def rows(folder: Path, **changes: Any) -> Path:
    """A sample file, with columns replaced; None leaves one out."""
    features, _ = load_iris(return_X_y=True, as_frame=True)
    frame = features.iloc[::10].assign(
        **{name: value for name, value in changes.items() if value is not None}
    )
    frame = frame.drop(columns=[name for name, value in changes.items() if value is None])
    frame.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


def test_the_example_proves_the_model_and_the_run_is_remembered(folder: Folder, tmp_path: Path) -> None:
    packed = pack(folder())
    assert packed.parity.holds
    assert packed.manifest.signature.inputs[0].columns == tuple(COLUMNS)
    assert packed.about.source["mlflow_flavour"] == "sklearn"
    assert packed.about.source["mlflow_run"] == "579e1c7cbfe446df8b02e40b3d044e6b"
    packed.save(tmp_path / "iris.bundle").close()


def test_a_pickle_inside_needs_the_same_trust_as_any(folder: Folder) -> None:
    with pytest.raises(SourceRefused, match="--trust-pickle") as caught:
        pack(folder(), trust_pickle=False)
    assert caught.value.code == "pickle-untrusted"


def test_metrics_and_parameters_beside_it_become_tags(folder: Folder) -> None:
    path = folder()
    store = path.parent / "store"
    (store / "artifacts").mkdir(parents=True)
    path = path.rename(store / "artifacts" / "model")
    (store / "metrics").mkdir()
    (store / "params").mkdir()
    (store / "meta.yaml").write_text("name: model\n")
    (store / "metrics" / "accuracy").write_text("1763721785000 0.5 0\n1763721786000 0.93 1\n")
    (store / "params" / "depth").write_text("3")
    (store / "params" / "odd").write_text("two\nlines")
    assert pack(path).about.tags == {"metric.accuracy": "0.93", "param.depth": "3"}


def test_a_sample_of_ones_own_is_taken_before_the_example(folder: Folder, tmp_path: Path) -> None:
    packed = pack(folder(saved_input_example_info=None), rows(tmp_path))
    assert packed.parity.rows - packed.parity.edge_rows == 15


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"petal width (cm)": None}, "no column 'petal width"),
        ({"petal width (cm)": "wide"}, "'petal width .cm.' of the sample holds texts"),
    ],
    ids=["absent", "texts"],
)
def test_a_sample_that_is_not_as_the_signature_says_is_refused_by_column(
    folder: Folder, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unsupported, match=said) as caught:
        pack(folder(), rows(tmp_path, **change))
    assert caught.value.code == "mlflow-signature"


def test_a_type_that_no_table_has_is_named(folder: Folder) -> None:
    inputs = json.dumps([{"type": "datetime", "name": "when", "required": True}])
    with pytest.raises(Unsupported, match="'when' is of the type 'datetime'") as caught:
        pack(folder(signature={"inputs": inputs}))
    assert caught.value.code == "mlflow-signature"


def test_fractions_where_whole_numbers_were_logged_are_told(folder: Folder, tmp_path: Path) -> None:
    inputs = json.dumps([{"type": "long", "name": COLUMNS[0], "required": True}])
    with pytest.raises(Unsupported, match="fractions, the model's signature says long"):
        pack(folder(signature={"inputs": inputs}), rows(tmp_path))


def test_without_example_and_sample_there_is_nothing_to_prove_on(folder: Folder) -> None:
    with pytest.raises(Unsupported, match="input_example=") as caught:
        pack(folder(saved_input_example_info=None))
    assert caught.value.code == "no-sample"


def test_a_python_function_is_sent_to_the_model_hosts(folder: Folder) -> None:
    flavors = {"python_function": {"loader_module": "mlflow.pyfunc.model", "python_model": "model.pkl"}}
    with pytest.raises(SourceRefused, match="model host") as caught:
        pack(folder(flavors=flavors))
    assert caught.value.code == "mlflow-flavour"


@pytest.mark.parametrize("name", ["../rows.csv", "/etc/passwd", "a/../../x", "model.pkl\n", "absent.pkl"])
def test_a_document_names_files_of_its_folder_only(folder: Folder, name: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        pack(folder(flavors={"sklearn": {"pickled_model": name}}))
    assert caught.value.code == "mlflow-corrupt"


def test_a_link_out_of_the_folder_is_refused(folder: Folder, tmp_path: Path) -> None:
    path = folder()
    (path / "model.pkl").rename(tmp_path / "elsewhere.pkl")
    (path / "model.pkl").symlink_to(tmp_path / "elsewhere.pkl")
    with pytest.raises(SourceRefused, match="link") as caught:
        pack(path)
    assert caught.value.code == "mlflow-corrupt"


PLACES = {
    "keras": ({"keras": {"data": "data"}}, "data/model.keras"),
    "tensorflow-keras": ({"tensorflow": {"data": "data", "model_type": "keras"}}, "data/model.keras"),
    "tensorflow-module": ({"tensorflow": {"saved_model_dir": "tf2model"}}, "tf2model"),
    "onnx": ({"onnx": {"data": "model.onnx"}, "python_function": {}}, "model.onnx"),
    "xgboost": ({"xgboost": {"data": "model.ubj"}, "python_function": {}}, "model.ubj"),
    "lightgbm": ({"lightgbm": {"data": "model.lgb"}}, "model.lgb"),
    "catboost": ({"catboost": {"data": "model.cb"}}, "model.cb"),
    "pytorch": ({"pytorch": {"model_data": "data"}}, "data/model.pth"),
    "pytorch-exported": ({"pytorch": {"model_data": "data"}}, "data/model.pt2"),
    "transformers": ({"transformers": {"model_binary": "model"}}, "model"),
}


@pytest.mark.parametrize(("flavors", "place"), PLACES.values(), ids=PLACES.keys())
def test_every_flavour_says_where_its_model_is(
    tmp_path: Path, flavors: dict[str, dict[str, Any]], place: str
) -> None:
    target = tmp_path / place
    target.parent.mkdir(exist_ok=True)
    target.touch() if target.suffix else target.mkdir()
    name, path = flavours.model_of(tmp_path, Document(flavors))
    assert path == target
    assert name in flavors


def test_the_command_takes_a_folder_and_keeps_it_to_compile_again(folder: Folder, tmp_path: Path) -> None:
    path, target = folder(), tmp_path / "iris.bundle"
    words = ["pack", str(path), "--name", "iris", "--trust-pickle", "--output", str(target), "--json"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    with open_bundle(target) as bundle:
        assert bundle.about.source["mlflow_flavour"] == "sklearn"
    again = ["compile", "--again", str(target), "--trust-pickle", "--output", str(tmp_path / "again.bundle")]
    found = CliRunner().invoke(app, again)
    assert found.exit_code == 0, found.output


def test_a_document_that_says_less_is_enough(folder: Folder, tmp_path: Path) -> None:
    bare = {key: None for key in document() if key != "flavors"}
    packed = pack(folder(**{**bare, "mlflow_version": ""}), rows(tmp_path))
    assert packed.about.source.get("mlflow_run") is None


def test_a_file_that_is_no_folder_of_mlflow_still_needs_a_sample(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"")
    with pytest.raises(CompileError) as caught:
        pack(tmp_path / "model.skops")
    assert caught.value.code == "no-sample"
