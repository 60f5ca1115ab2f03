"""A path given to `pack` goes the way of the command line: into the sandbox, with whatever rows there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import modelport
from modelport.compile import written
from modelport.compile.readers import read
from modelport.compile.sample import Sample
from modelport.errors import SourceRefused, Unsupported
from modelport.runtimes.batch import Batch, Ragged

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def iris() -> tuple[Any, Any]:
    frame, target = load_iris(return_X_y=True, as_frame=True)
    return frame, target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, iris: tuple[Any, Any]) -> Path:
    """A logistic regression as a pickle, as skops and as an MLflow folder."""
    path = tmp_path_factory.mktemp("models")
    model = LogisticRegression(max_iter=500).fit(*iris)
    joblib.dump(model, path / "model.joblib")
    skops.io.dump(model, path / "model.skops")
    iris[0].iloc[::5].to_csv(path / "rows.csv", index=False)
    (path / "run").mkdir()
    skops.io.dump(model, path / "run" / "model.skops")
    (path / "run" / "MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: model.skops\n")
    return path


@pytest.mark.parametrize("rows", [lambda frame, _: frame.iloc[::5], lambda _, path: path / "rows.csv"])
def test_a_file_is_packed_with_rows_in_memory_or_in_a_file(
    folder: Path, iris: tuple[Any, Any], rows: Callable[..., Any]
) -> None:
    sample = rows(iris[0], folder)
    packed = modelport.pack(
        str(folder / "model.skops"),
        name="iris",
        sample=sample,
        labels=["setosa", "versicolor", "virginica"],
        tags={"team": "blue"},
        parameters={"confidence_threshold": 0.5},
    )
    assert packed.parity.holds
    assert packed.manifest.signature.inputs[0].columns == tuple(iris[0].columns)
    assert packed.manifest.parameters.confidence_threshold == 0.5
    assert packed.about.tags == {"team": "blue"}


def test_a_pickle_needs_trust_from_python_too(folder: Path, iris: tuple[Any, Any]) -> None:
    choices: dict[str, Any] = {"name": "iris", "sample": iris[0].iloc[::5]}
    with pytest.raises(SourceRefused, match="trust_pickle=True") as caught:
        modelport.pack(folder / "model.joblib", **choices)
    assert caught.value.code == "pickle-untrusted"
    assert modelport.pack(folder / "model.joblib", trust_pickle=True, **choices).parity.holds


def test_a_model_folder_is_packed(folder: Path, iris: tuple[Any, Any]) -> None:
    packed = modelport.pack(folder / "run", name="iris", sample=iris[0].iloc[::5])
    assert packed.about.source["mlflow_flavour"] == "sklearn"


def test_what_goes_with_a_file_is_in_a_file(folder: Path) -> None:
    with pytest.raises(Unsupported, match="TfidfVectorizer"):
        modelport.pack(folder / "model.skops", name="iris", sample=["a"], vectorizer=TfidfVectorizer())


def test_a_head_goes_with_a_path(iris: tuple[Any, Any]) -> None:
    model = LogisticRegression(max_iter=500).fit(*iris)
    with pytest.raises(Unsupported, match="encoder folder"):
        modelport.pack(model, name="iris", sample=iris[0], head="head.skops")


@pytest.mark.parametrize("path", ["model.skops", None], ids=["file", "live"])
def test_a_model_without_rows_is_told_so(folder: Path, iris: tuple[Any, Any], path: str | None) -> None:
    model = LogisticRegression(max_iter=500).fit(*iris) if path is None else folder / path
    with pytest.raises(Unsupported, match="needs rows") as caught:
        modelport.pack(model, name="iris")
    assert caught.value.code == "no-sample"


def test_texts_of_any_characters_reach_a_model_in_a_file(tmp_path: Path) -> None:
    texts = ["good day\nsun", "bad\u2028day", "nice, weather", "awful\x85rain"] * 5
    joblib.dump(
        make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0] * 10), tmp_path / "m.pkl"
    )
    packed = modelport.pack(tmp_path / "m.pkl", name="mood", sample=texts, trust_pickle=True)
    assert packed.manifest.signature.item == "text"
    assert packed.parity.rows - packed.parity.edge_rows == 20


def test_mixed_columns_reach_a_model_in_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"town": ["Rome", "Bonn", None] * 6, "kind": ["1", "2", "1"] * 6})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    joblib.dump(model.fit(frame, [0, 1, 1] * 6), tmp_path / "m.pkl")
    packed = modelport.pack(tmp_path / "m.pkl", name="towns", sample=frame, trust_pickle=True)
    assert [field.dtype for field in packed.manifest.signature.inputs] == ["BYTES", "BYTES"]


# -- rows in a file are the rows there were ------------------------------------------------------------------

ROWS: dict[str, Any] = {
    "matrix": np.array([[1.5, np.nan], [np.inf, -0.0]]),
    "whole": np.arange(6, dtype=np.int64).reshape(3, 2),
    "pictures": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "named": pd.DataFrame({"file": [1.0, np.nan, np.inf], "a/b": [1, 2, 3]}),
    "mixed": pd.DataFrame({"t": ["1", None, "a\u2028b"], "n": [1, 2, 3], "f": [0.1, np.nan, 3.0]}),
    "truth": {"yes": [True, False], "no": ["x", "y"]},
    "texts": ["one\ntwo", "\u2028", ""],
    "tensors": {"x": np.ones((2, 3), np.float32), "mask": np.ones((2, 3), np.int64)},
    "records": [{"a": 1, "b": "x"}, {"a": 2}],
    "rows": [[1.0, 2.0], [3.0, 4.0]],
}


def _same(left: Batch, right: Batch) -> None:
    assert left.tensors.keys() == right.tensors.keys()
    for name, values in left.tensors.items():
        assert not isinstance(values, Ragged)
        assert values.dtype == right.array(name).dtype
        np.testing.assert_array_equal(values, right.array(name))


@pytest.mark.parametrize("data", ROWS.values(), ids=ROWS.keys())
def test_rows_in_a_file_are_the_rows_there_were(tmp_path: Path, data: Any) -> None:
    want, found = Sample.of_any(data), Sample.of_any(read(written.write(data, tmp_path)))
    assert found.item == want.item
    assert found.columns == want.columns
    _same(found.batch, want.batch)


def test_pictures_in_a_folder_are_those_there_were(tmp_path: Path) -> None:
    data = [b"\x89PNG one", b"\x89PNG two"]
    assert list(read(written.write(data, tmp_path)).batch.array("image")) == data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"t": ["a", "b"], "f": [1.0, np.inf]}, "'f' of the sample holds an infinity"),
        ([{"x": np.ones((1, 2))}, {"x": np.ones((3, 2))}], "different sizes"),
    ],
    ids=["infinity", "sizes"],
)
def test_rows_that_no_file_holds_are_refused(tmp_path: Path, data: Any, said: str) -> None:
    with pytest.raises(Unsupported, match=said) as caught:
        written.write(data, tmp_path)
    assert caught.value.code == "unsupported-sample"
