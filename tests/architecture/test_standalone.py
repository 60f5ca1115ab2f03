"""The data plane stands alone: it serves where nothing but the base install can be imported."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelport
from modelport.client import Answer

BLOCKED = (
    "alembic", "fastapi", "joblib", "onnx", "pandas", "scipy", "skl2onnx", "sklearn", "skops", "sqlalchemy",
    "sqlite3", "starlette", "torch", "modelport.compile", "modelport.control", "modelport.db",
    "modelport.registry",
)  # fmt: skip

# Python imports `sitecustomize` at every start, so the workers are blocked as well.
SITE = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in {BLOCKED!r}):
            raise ImportError(f"{{name}} is blocked")

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[Path]:
    """A bundle in a folder that nobody may write to."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    rows, target = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(rows, target)
    path = tmp_path / "shelf" / "iris.bundle"
    path.parent.mkdir()
    modelport.pack(model, name="iris", sample=rows, labels=["setosa", "versicolor", "virginica"]).save(
        path
    ).close()
    folders = [path.parent, path, *(each for each in path.rglob("*") if each.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield path
    for folder in folders:
        folder.chmod(stat.S_IRWXU)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    return {**os.environ, "PYTHONPATH": str(site)}


def held(folder: Path) -> dict[str, int]:
    """Every path below a folder, and when it last changed."""
    return {str(path): path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("name", ["sklearn", "onnx", "modelport.compile"])
def test_what_is_blocked_cannot_be_imported(name: str, environment: dict[str, str]) -> None:
    """Otherwise the next test would prove nothing."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import {name}"], env=environment, capture_output=True, text=True, check=False
    )
    assert "is blocked" in ended.stderr


def test_it_serves_from_a_read_only_folder_with_nothing_but_the_base_install(
    bundle: Path, environment: dict[str, str]
) -> None:
    before = held(bundle.parent)
    command = [sys.executable, "-m", "modelport.cli", "serve", str(bundle), "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            found = re.search(r"http://\S+", said)
            assert found, said
            with modelport.Client(found[0]) as client:
                answer = client.predict("iris", [5.1, 3.5, 1.4, 0.2])
            assert isinstance(answer, Answer)
            assert answer.prediction == "setosa"
        finally:
            server.terminate()
    assert server.returncode == 0
    assert held(bundle.parent) == before  # also for root, whom no mode holds
