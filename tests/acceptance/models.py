"""The models that acceptance tests serve: small, real where it matters, faulty where it is asked for."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import modelport
from modelport.bundle.format import ABOUT, MANIFEST, SUMS, decode_about, sums
from modelport.bundle.reader import GOLDEN
from modelport.bundle.writer import write
from modelport.core.golden import Golden
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, Step, canonical
from modelport.core.signature import Field, Signature

POISON, NONFINITE = 13.0, 7.0
TEXTS = ["cheap pills now", "free money now", "meet me at noon", "minutes of the meeting"]


def numbers(path: Path) -> str:
    """30 measurements of a cell sample: malignant or benign."""
    rows, target = load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target)
    packed = modelport.pack(model, name="numbers", sample=rows[:64], labels=["malignant", "benign"])
    return _saved(packed, path)


def wide(path: Path) -> str:
    """The same rows for a network of 2 MB, which takes some 4 MB when it is loaded."""
    rows, target = load_breast_cancer(return_X_y=True, as_frame=True)
    network = MLPClassifier((1024, 512), max_iter=1, random_state=0)
    with warnings.catch_warnings(action="ignore"):  # nobody waits for it to converge
        model = make_pipeline(StandardScaler(), network).fit(rows, target)
    return _saved(modelport.pack(model, name="wide", sample=rows[:8]), path)


def row() -> list[float]:
    """An item of `numbers`."""
    values: list[float] = load_breast_cancer().data[0].tolist()
    return values


def mixed(path: Path) -> str:
    """A number that may be missing and a category that may be unknown."""
    rows = pd.DataFrame(
        {"tenure": [1.0, 30.0, 2.0, 45.0, np.nan, 60.0] * 8, "plan": ["basic", "gold", "basic"] * 16}
    )
    columns = make_column_transformer(
        (SimpleImputer(), ["tenure"]), (OneHotEncoder(handle_unknown="ignore"), ["plan"])
    )
    stays = [0, 1, 0, 1, 0, 1] * 8
    model = make_pipeline(columns, LogisticRegression()).fit(rows, stays)
    return _saved(modelport.pack(model, name="mixed", sample=rows, labels=["leaves", "stays"]), path)


def texts(path: Path) -> str:
    """Spam or not."""
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["spam", "spam", "ham", "ham"])
    return _saved(modelport.pack(model, name="texts", sample=TEXTS), path)


def dummy(
    path: Path,
    name: str,
    *,
    width: int = 2,
    batch_size: int = 256,
    golden: Mapping[str, Any] | None = None,
    **options: Any,
) -> str:
    """A model that sums `width` numbers; `options` are those of the dummy runtime.

    `golden` replaces the golden rows, so that a bundle can break its promise.
    """
    signature = Signature("vector", (Field("input", "FP64", (-1, width)),), (Field("value", "FP64", (-1,)),))
    steps = (Step("dummy", options),)
    parameters = Parameters(batch_size=batch_size)
    manifest = Manifest(FORMAT, "dummy", "regression", signature, None, steps, parameters, ())
    attachments = {GOLDEN: msgspec.json.encode(Golden(**golden))} if golden else {}
    write(path, manifest, About(name=name), {}, attachments)
    return str(path)


def renamed(bundle: str, path: Path, name: str) -> str:
    """A copy of a bundle under another name: the same identity, for servers of many models."""
    shutil.copytree(bundle, path)
    about = msgspec.structs.replace(decode_about((path / ABOUT).read_bytes()), name=name)
    documents = {MANIFEST: (path / MANIFEST).read_bytes(), ABOUT: canonical(about)}
    (path / ABOUT).write_bytes(documents[ABOUT])
    (path / SUMS).write_bytes(sums(documents))
    return str(path)


def everything(folder: Path) -> dict[str, str]:
    """Paths of all bundles, by name."""
    makers: dict[str, Callable[[Path], str]] = {"numbers": numbers, "mixed": mixed, "texts": texts}
    known = {name: make(folder / f"{name}.bundle") for name, make in makers.items()}
    known["faulty"] = dummy(folder / "faulty.bundle", "faulty", poison=POISON, nonfinite=NONFINITE)
    known["slow"] = dummy(folder / "slow.bundle", "slow", delay_ms=300)
    return known


def _saved(packed: Any, path: Path) -> str:
    packed.save(path)
    return str(path)
