"""What a real MLflow logs, to a store with a database, is packed from where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from sklearn.datasets import load_iris

from modelport.compile.pack_file import pack_file
from modelport.errors import SourceRefused

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]  # the library's own


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow with a database of its own and an experiment."""
    monkeypatch.chdir(tmp_path)
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.set_experiment("zoo")
    yield mlflow
    mlflow.set_tracking_uri("")


def folder_of(logged: Any, mlflow: Any) -> Path:
    """Where a logged model lies on this machine."""
    found = mlflow.artifacts.download_artifacts(logged.model_uri)
    return Path(unquote(urlparse(found).path))


@pytest.mark.parametrize("form", ["cloudpickle", "pickle"])
def test_a_logged_estimator_is_packed_with_its_run(tracked: Any, fitted: Any, form: str) -> None:
    import mlflow.sklearn

    features, _ = load_iris(return_X_y=True, as_frame=True)
    signature = mlflow.models.infer_signature(features, fitted.predict(features))
    with tracked.start_run() as run:
        tracked.log_metric("accuracy", 0.9)
        logged = mlflow.sklearn.log_model(
            fitted,
            name="iris",
            signature=signature,
            input_example=features.iloc[::9],
            serialization_format=form,
        )
    path = folder_of(logged, tracked)
    with pytest.raises(SourceRefused, match="--trust-pickle"):
        pack_file(path, name="iris")
    packed = pack_file(path, name="iris", trust_pickle=True)
    assert packed.parity.holds
    assert packed.about.source["mlflow_run"] == run.info.run_id
    assert packed.about.source["mlflow_flavour"] == "sklearn"


def test_a_python_model_is_sent_to_the_model_hosts(tracked: Any, tmp_path: Path) -> None:
    import mlflow.pyfunc

    class Echo(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow is not there for type checkers
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input

    mlflow.pyfunc.save_model(tmp_path / "echo", python_model=Echo())
    with pytest.raises(SourceRefused, match="model host") as caught:
        pack_file(tmp_path / "echo", name="echo", sample_path=tmp_path / "rows.csv")
    assert caught.value.code == "mlflow-flavour"


def test_boosted_trees_are_read_from_their_own_files(tracked: Any, tmp_path: Path) -> None:
    import mlflow.xgboost
    from xgboost import XGBClassifier

    features, target = load_iris(return_X_y=True, as_frame=True)
    model = XGBClassifier(n_estimators=5).fit(features, target)
    mlflow.xgboost.save_model(model, tmp_path / "trees", model_format="ubj", input_example=features.iloc[::9])
    packed = pack_file(tmp_path / "trees", name="trees", trust_pickle=True)
    assert packed.parity.holds
    assert packed.about.source["mlflow_flavour"] == "xgboost"


def test_lightgbm_is_read_from_its_own_file(tracked: Any, tmp_path: Path) -> None:
    import mlflow.lightgbm
    from lightgbm import LGBMClassifier

    features, target = load_iris(return_X_y=True, as_frame=True)
    features.columns = ["a", "b", "c", "d"]
    model = LGBMClassifier(n_estimators=5, verbose=-1).fit(features, target)
    mlflow.lightgbm.save_model(model.booster_, tmp_path / "trees", input_example=features.iloc[::9])
    packed = pack_file(tmp_path / "trees", name="trees")
    assert packed.parity.holds
    assert packed.about.source["mlflow_flavour"] == "lightgbm"


def test_a_graph_is_read_from_its_folder(tracked: Any, tmp_path: Path) -> None:
    import mlflow.onnx
    import numpy as np
    from onnx import TensorProto, helper

    place = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", place[:1], place[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    rows = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    mlflow.onnx.save_model(model, tmp_path / "relu", input_example=rows)
    packed = pack_file(tmp_path / "relu", name="relu")
    assert packed.parity.holds
    assert packed.about.source["mlflow_flavour"] == "onnx"
