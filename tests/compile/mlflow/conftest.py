"""A fitted model, and folders as MLflow writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest
import yaml
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
Folder = Callable[..., Path]


def document(**changes: Any) -> dict[str, Any]:
    """`MLmodel` of an estimator of scikit-learn, as MLflow 3.17 writes it."""
    inputs = [{"type": "double", "name": name, "required": True} for name in COLUMNS]
    known: dict[str, Any] = {
        "flavors": {
            "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"},
            "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"},
        },
        "mlflow_version": "3.17.2",
        "run_id": "579e1c7cbfe446df8b02e40b3d044e6b",
        "model_id": "m-7b23a4eb78e545389629f280a92ef805",
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "pandas_orient": "split",
            "type": "dataframe",
        },
        "signature": {
            "inputs": json.dumps(inputs),
            "outputs": '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]',
            "params": None,
        },
    }
    return known | changes


@pytest.fixture(scope="session")
def fitted() -> Any:
    features, target = load_iris(return_X_y=True, as_frame=True)
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(features, target)


@pytest.fixture
def folder(tmp_path: Path, fitted: Any) -> Folder:
    """Writes a model folder whose document has these changes."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "model"
        path.mkdir()
        joblib.dump(fitted, path / "model.pkl")
        features, _ = load_iris(return_X_y=True, as_frame=True)
        rows = features.iloc[::5].values.tolist()
        (path / "input_example.json").write_text(json.dumps({"columns": COLUMNS, "data": rows}))
        (path / "MLmodel").write_text(yaml.safe_dump(document(**changes)))
        return path

    return write
