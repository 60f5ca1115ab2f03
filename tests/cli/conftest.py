"""A model as people leave it behind, packed by the command line itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

Modelport = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def modelport() -> Modelport:
    """Runs `modelport` in a process of its own; `given` is its standard input."""

    def run(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "modelport.cli", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fitted model as people leave it behind: a joblib file and a CSV file."""
    folder = tmp_path_factory.mktemp("iris")
    rows, target = load_iris(as_frame=True, return_X_y=True)
    rows.columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    joblib.dump(LogisticRegression(max_iter=500).fit(rows, target), folder / "iris.joblib")
    rows.to_csv(folder / "rows.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def packed(folder: Path, modelport: Modelport) -> Path:
    path = folder / "iris.bundle"
    ended = modelport(
        *("pack", str(folder / "iris.joblib"), "--name", "iris", "--sample", str(folder / "rows.csv")),
        *(
            "--labels",
            "setosa,versicolor,virginica",
            "--version",
            "2.1.0",
            "--trust-pickle",
            "--allow-weak-sandbox",
        ),
        *("--output", str(path), "--json"),
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["labels"] == ["setosa", "versicolor", "virginica"]
    return path
