"""The models under test, fitted once on real data: joblib for Python peers, ONNX for others, items to check.

`python -m benchmarks.fixtures` builds them into `.bench/fixtures/`, each in a folder of its own:
`model.joblib`, `model.onnx` (tables only), `sample.csv`, `checks.json`.
"""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks import env
from benchmarks.corpus import passages
from benchmarks.failure import BenchmarkError
from benchmarks.places import FIXTURES, PEERS

Task = Literal["rows", "text", "encoder"]
CHECKS = 64
"""Items whose answers are compared, and which load generators send in turn."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A fitted model on disk.

    Attributes:
        name: of the folder.
        task: `rows` (30 floats), `text`, or `encoder` (texts through a transformer).
        folder: where it lies.
    """

    name: str
    task: Task
    folder: Path

    @property
    def joblib(self) -> Path:
        return self.folder / "model.joblib"

    @property
    def sample(self) -> Path:
        return self.folder / "sample.csv"


@dataclass(frozen=True, slots=True)
class Checks:
    """Items and what the original model says about each.

    Attributes:
        items: rows of floats (exact in float32) or texts.
        labels: class index per item.
        probabilities: `[items, classes]`.
        classes: what the indices mean.
    """

    items: tuple[Any, ...]
    labels: tuple[int, ...]
    probabilities: tuple[tuple[float, ...], ...]
    classes: tuple[int | str, ...]


def fixture(name: str) -> Fixture:
    """The fixture, built first when it is not there."""
    task, build = _RECIPES[name]
    made = Fixture(name, task, FIXTURES / name)
    if not (made.folder / "checks.json").exists():
        print(f"building the fixture {name} ...", flush=True)
        made.folder.mkdir(parents=True, exist_ok=True)
        build(made)
    return made


@cache
def checks(made: Fixture) -> Checks:
    """The items of a fixture with the original model's answers."""
    told = json.loads((made.folder / "checks.json").read_text())
    return Checks(
        tuple(told["items"]),
        tuple(told["labels"]),
        tuple(tuple(row) for row in told["probabilities"]),
        tuple(told["classes"]),
    )


def _logistic(made: Fixture) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    _tabular(made, make_pipeline(StandardScaler(), LogisticRegression()))


def _forest(made: Fixture) -> None:
    from sklearn.ensemble import RandomForestClassifier

    _tabular(made, RandomForestClassifier(100, random_state=0))


def _tabular(made: Fixture, model: Any) -> None:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    rows = data.data.astype(np.float32).astype(np.float64)
    model.fit(rows, data.target)
    _write_onnx(made, model, rows.shape[1])
    _write(made, model, [name.replace(" ", "_") for name in data.feature_names], rows)


def _text(made: Fixture) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, topics = passages(("numpy", "pandas", "scipy", "sklearn"), length=200, each=4000)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), max_features=50_000)
    model = make_pipeline(vectorizer, LogisticRegression(C=10.0, max_iter=200))
    model.fit(texts, topics)
    terms = len(vectorizer.vocabulary_)
    if terms != 50_000:
        msg = f"the corpus has only {terms} terms"
        raise RuntimeError(msg)
    _write(made, model, ["text"], texts)


def _encoder(made: Fixture) -> None:
    """Fitted in the environment of the original: it needs PyTorch, and the encoder's package."""
    texts, topics = passages(("numpy", "pandas", "scipy", "sklearn"), length=1200, each=250)
    corpus = made.folder / "corpus.json"
    corpus.write_text(json.dumps({"texts": texts, "topics": topics}))
    name = "fastapi-torch"
    command = [str(env.interpreter(name)), str(PEERS / name / "fit.py"), str(corpus), str(made.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"the encoder's head was not fitted:\n{done.stderr[-2000:]}"
        raise BenchmarkError(msg)
    _write_sample(made, ["text"], json.loads((made.folder / "checks.json").read_text())["items"])


def _write(made: Fixture, model: Any, columns: Sequence[str], items: Any) -> None:
    import joblib

    joblib.dump(model, made.joblib)
    _write_sample(made, columns, items[:500])
    places = np.linspace(0, len(items) - 1, CHECKS).astype(int)
    chosen = [items[place] for place in places]
    probabilities = model.predict_proba(chosen)
    told = {
        "items": [item if isinstance(item, str) else item.tolist() for item in chosen],
        "labels": np.searchsorted(model.classes_, model.predict(chosen)).tolist(),
        "probabilities": probabilities.tolist(),
        "classes": model.classes_.tolist(),
    }
    # Renamed into place last: a fixture with this file is whole.
    partial = made.folder / "checks.json.partial"
    partial.write_text(json.dumps(told))
    partial.replace(made.folder / "checks.json")


def _write_sample(made: Fixture, columns: Sequence[str], items: Any) -> None:
    with made.sample.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([item] if isinstance(item, str) else item.tolist() for item in items)


def _write_onnx(made: Fixture, model: Any, columns: int) -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    graph = to_onnx(
        model, initial_types=[("input", FloatTensorType([None, columns]))], options={"zipmap": False}
    )
    (made.folder / "model.onnx").write_bytes(graph.SerializeToString())


_RECIPES: dict[str, tuple[Task, Any]] = {
    "logistic": ("rows", _logistic),
    "forest": ("rows", _forest),
    "text": ("text", _text),
    "encoder": ("encoder", _encoder),
}

if __name__ == "__main__":
    for recipe in _RECIPES:
        fixture(recipe)
