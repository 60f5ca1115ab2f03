"""Read, audit, construct: what the audit refuses never reaches a runtime."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from modelport.bundle.reader import open_bundle
from modelport.bundle.writer import write
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, RuntimeKind
from modelport.core.signature import Field, Signature
from modelport.errors import BundleRefused
from modelport.runtimes.batch import Batch
from modelport.runtimes.load import load

SIGNATURE = Signature("vector", (Field("input", "FP64", (-1, 2)),), (Field("value", "FP64", (-1,)),))


def written(path: Path, kind: RuntimeKind, files: dict[str, bytes]) -> Path:
    manifest = Manifest(FORMAT, kind, "regression", SIGNATURE, None, (), Parameters(), ())
    write(path, manifest, About("m"), files, {})
    return path


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_a_bundle_without_files_of_its_own_loads(tmp_path: Path, name: str) -> None:
    with open_bundle(written(tmp_path / name, "dummy", {})) as bundle:
        answer = load(bundle).predict(Batch(1, {"input": np.array([[1.0, 2.0]])}))
    assert answer.array("value").tolist() == [3.0]


@pytest.mark.parametrize("path", ["model/graph.onnx", "model/extra.json", "model/weights.pkl"])
def test_a_pickle_under_any_name_is_refused_by_its_bytes(tmp_path: Path, path: str) -> None:
    files = {path: pickle.dumps({"a": [1, 2, 3]}, protocol=4)}
    with open_bundle(written(tmp_path / "b", "dummy", files)) as bundle, pytest.raises(BundleRefused):
        load(bundle)


def test_an_onnx_bundle_without_a_graph_is_refused(tmp_path: Path) -> None:
    with open_bundle(written(tmp_path / "b", "onnx", {})) as bundle, pytest.raises(BundleRefused):
        load(bundle)
