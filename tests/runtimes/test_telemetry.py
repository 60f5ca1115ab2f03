"""ONNX Runtime reports nothing and keeps nothing: its builds come with telemetry switched on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import modelport

SOURCE = Path(modelport.__file__).parent

LOAD = """
import sys
from pathlib import Path
import numpy as np
from modelport.bundle.reader import open_bundle
from modelport.runtimes.batch import Batch
from modelport.runtimes.load import load
with open_bundle(Path(sys.argv[1])) as bundle:
    load(bundle).predict(Batch(2, {"input": np.ones((2, 3), np.float32)}))
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    path = tmp_path_factory.mktemp("packed") / "sign.bundle"
    modelport.pack(model, name="sign", sample=rows).save(path)
    return path


def _run(code: str, home: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    subprocess.run(
        [sys.executable, "-c", code, *arguments], env={**environment, "HOME": str(home)}, check=True
    )


def test_a_bundle_answers_and_leaves_nothing_in_the_home_folder(bundle: Path, tmp_path: Path) -> None:
    _run(LOAD, tmp_path, str(bundle))
    assert not list(tmp_path.iterdir())


def test_packing_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = """
import numpy as np, modelport
from sklearn.linear_model import LinearRegression
rows = np.arange(60.0).reshape(20, 3) % 7
modelport.pack(LinearRegression().fit(rows, rows[:, 0]), name="sum", sample=rows)
"""
    _run(code, home)
    assert not list(home.iterdir())


def test_onnxruntime_is_imported_in_one_place() -> None:
    """An import elsewhere could come first, and switch telemetry on for the whole process."""
    imports = re.compile(r"^\s*(import|from) onnxruntime\b", re.MULTILINE)
    found = [path.name for path in SOURCE.rglob("*.py") if imports.search(path.read_text())]
    assert found == ["ort.py"]
