"""Rows of every common shape become one form, and files read like the tables they are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelport.compile.sample import Sample
from modelport.errors import Unsupported


def test_an_array_of_numbers_is_a_vector_of_float64() -> None:
    sample = Sample.of(np.arange(6, dtype=np.int32).reshape(3, 2))
    assert (sample.item, len(sample), sample.columns) == ("vector", 3, ())
    assert sample.batch.array("input").dtype == np.float64


def test_a_frame_of_numbers_is_a_vector_that_remembers_its_columns() -> None:
    sample = Sample.of(pd.DataFrame({"age": [1, 2], "income": [1.5, None]}))
    assert (sample.item, sample.columns) == ("vector", ("age", "income"))
    assert math.isnan(sample.batch.array("input")[1, 1])


def test_a_mixed_frame_keeps_one_array_per_column() -> None:
    frame = pd.DataFrame(
        {
            "age": [1, 2, 3],
            "city": ["Oslo", None, "Rome"],
            "member": [True, False, True],
            "score": [0.5, None, 1.0],
        }
    )
    batch = Sample.of(frame).batch
    assert batch.array("age").dtype == np.int64
    assert batch.array("city").tolist() == ["Oslo", None, "Rome"]
    assert batch.array("member").dtype == np.bool_
    assert batch.array("score").dtype == np.float64


def test_categoricals_come_back_as_they_were() -> None:
    city = pd.Categorical(["b", None, "a"], categories=["b", "a", "c"])
    frame = pd.DataFrame({"city": city, "size": pd.Categorical([1, 2, 1]), "age": [1.0, 2.0, 3.0]})
    sample = Sample.of(frame)
    assert sample.categories == {"city": ("b", "a", "c"), "size": (1, 2)}
    restored = sample.frame(sample.batch)
    assert restored["city"].cat.codes.tolist() == [0, -1, 1]
    assert restored["size"].cat.codes.tolist() == [0, 1, 0]


def test_nullable_integers_keep_missing_apart_from_zero() -> None:
    frame = pd.DataFrame({"n": pd.array([0, None], dtype="Int64"), "t": ["a", "b"]})
    assert np.isnan(Sample.of(frame).batch.array("n")).tolist() == [False, True]


@pytest.mark.parametrize(
    "data", [["a", "b"], pd.Series(["a", "b"]), np.array(["a", "b"]), np.array(["a", "b"], object)]
)
def test_texts_are_texts_in_any_container(data: Any) -> None:
    sample = Sample.of(data)
    assert (sample.item, sample.batch.array("text").tolist()) == ("text", ["a", "b"])


def test_an_unnamed_table_of_objects_gets_names_of_its_own() -> None:
    sample = Sample.of(np.array([["a", 1], ["b", 2]], object))
    assert (sample.columns, sample.positional) == (("x0", "x1"), True)


def test_rows_written_as_objects_are_columns() -> None:
    sample = Sample.of([{"a": 1, "b": "x"}, {"a": 2}])
    assert sample.batch.array("b").tolist() == ["x", None]


@pytest.mark.parametrize(
    "data",
    [
        [],
        np.zeros((0, 3)),
        np.zeros((2, 2, 2)),
        [[1.0], [1.0, 2.0]],
        {"a": [1, 2], "b": ["x"]},
        {"a": ["x", 1]},
        {"when": [pd.Timestamp("2026-01-01")]},
        ["x", None],
        3,
    ],
)
def test_what_cannot_be_a_sample_is_refused(data: Any) -> None:
    with pytest.raises(Unsupported):
        Sample.of(data)


def test_csv_cells_become_numbers_where_all_of_a_column_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('age,city,score,member\n1,"Oslo, N",0.5,true\n2,,,False\n')
    batch = Sample.read(path).batch
    assert batch.array("age").tolist() == [1, 2]
    assert batch.array("city").tolist() == ["Oslo, N", None]
    assert np.isnan(batch.array("score")).tolist() == [False, True]
    assert batch.array("member").tolist() == [True, False]


def test_a_csv_of_numbers_is_a_vector(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n,4.5\n")
    sample = Sample.read(path)
    assert (sample.item, sample.columns) == ("vector", ("a", "b"))
    np.testing.assert_array_equal(sample.batch.array("input"), [[1, 2], [math.nan, 4.5]])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.txt", "one\ntwo\n"),
        ("t.csv", "text\none\ntwo\n"),
        ("t.jsonl", '"one"\n"two"\n'),
        ("t.jsonl", '{"text":"one"}\n{"text":"two"}\n'),
    ],
)
def test_a_file_of_texts_is_a_text_sample(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    sample = Sample.read(tmp_path / name)
    assert (sample.item, sample.batch.array("text").tolist()) == ("text", ["one", "two"])


def test_jsonl_rows_of_numbers_are_a_vector(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("[1, 2]\n[3, 4]\n")
    assert Sample.read(tmp_path / "r.jsonl").batch.array("input").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("name", "text"), [("r.csv", ""), ("r.csv", "a,b\n1\n"), ("r.jsonl", "{"), ("r.xml", "<a/>")]
)
def test_a_broken_file_says_what_is_wrong(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Unsupported):
        Sample.read(tmp_path / name)
