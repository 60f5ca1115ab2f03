"""What a Python model may answer, and what it is told when it may not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelport.core.manifest import FORMAT, Label, Manifest, Parameters
from modelport.core.signature import DType, Field, Signature, Task
from modelport.errors import BundleCorrupt, BundleRefused, ModelFailed
from modelport.runtimes.batch import Batch
from modelport.runtimes.python.entry import predict_of, require
from modelport.runtimes.python.exchange import given, outputs
from modelport.runtimes.python.spec import PythonModel, is_entry, is_requirement, model_of, step_of


def manifest(
    task: Task, labels: tuple[Label, ...] | None, **fields: tuple[DType, tuple[int, ...]]
) -> Manifest:
    answered = tuple(Field(name, dtype, shape) for name, (dtype, shape) in fields.items())
    signature = Signature("vector", (Field("input", "FP64", (-1, 2)),), answered)
    return Manifest(FORMAT, "python", task, signature, labels, (), Parameters(), (), executable=True)


NUMBER = manifest("regression", None, value=("FP32", (-1,)))
CLASSES = manifest("classification", ("no", "yes"), label=("INT64", (-1,)), probabilities=("FP64", (-1, 2)))
ENTITIES = manifest("tensors", None, found=("BYTES", (-1,)))


class Frame:
    """Stands for a column of a table, and for a tensor of a library that is not installed."""

    def to_numpy(self) -> Any:
        return np.array([1.0, 2.0])


@pytest.mark.parametrize("answer", [[1, 2], (1.0, 2.0), np.array([1, 2]), Frame(), {"value": [1, 2]}])
def test_numbers_may_come_as_anything_that_has_one_per_row(answer: Any) -> None:
    value = outputs(answer, 2, NUMBER).array("value")
    assert value.dtype == np.float32
    assert value.tolist() == [1.0, 2.0]


def test_classes_are_answered_by_their_labels() -> None:
    answer = {"label": np.array(["yes", "no"]), "probabilities": [[0.1, 0.9], [0.6, 0.4]]}
    got = outputs(answer, 2, CLASSES)
    assert got.array("label").tolist() == [1, 0]
    assert got.array("probabilities").tolist() == [[0.1, 0.9], [0.6, 0.4]]


def test_plain_values_of_different_length_are_kept_as_they_are() -> None:
    found = [[{"text": "a"}], []]
    assert outputs({"found": found}, 2, ENTITIES).array("found").tolist() == found
    assert outputs([{"found": each} for each in found], 2, ENTITIES).array("found").tolist() == found


@pytest.mark.parametrize(
    ("answer", "of", "told"),
    [
        ([1], NUMBER, "1 rows"),
        (3.0, NUMBER, "not FP32"),
        (None, NUMBER, "not FP32"),
        (["x", "y"], NUMBER, "not FP32"),
        ([[1, 2], [3, 4]], NUMBER, "shape"),
        ({"other": [1, 2]}, NUMBER, "not 'value'"),
        ({"label": ["maybe", "no"], "probabilities": [[0, 1], [1, 0]]}, CLASSES, "none of its own"),
        ({"label": ["yes", "no"], "probabilities": [[0, 1, 0], [1, 0, 0]]}, CLASSES, "shape"),
        ([1, 2], ENTITIES, "not a dict"),
    ],
)
def test_an_answer_that_breaks_the_signature_is_told_in_the_models_words(
    answer: Any, of: Manifest, told: str
) -> None:
    with pytest.raises(ModelFailed, match=told) as failed:
        outputs(answer, 2, of)
    assert failed.value.code == "contract-broken"


def test_what_a_model_is_given_is_its_own_to_change() -> None:
    values = np.frombuffer(bytes(16)).reshape(1, 2)
    mine = given("vector", Batch(1, {"input": values}))
    mine[:] = 1
    assert values.tolist() == [[0.0, 0.0]]
    assert given("text", Batch(1, {"text": np.array(["a"], object)})) == ["a"]
    assert list(given("columns", Batch(1, {"a": values[:, 0], "b": values[:, 1]}))) == ["a", "b"]


@pytest.mark.parametrize(
    "text", ["os", "os:", ":x", "a b:c", "a:b.c", "a/b:c", "a:b\n", "-m:x", "a..b:c", "a:b:c", "x.py:Model;"]
)
def test_what_is_no_entry(text: str) -> None:
    assert not is_entry(text)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("numpy; touch /tmp/pwn", "1.0"),
        ("$(touch x)", "1.0"),
        ("`id`", "1.0"),
        ("-r", "1.0"),
        ("--index-url=http://evil", "1.0"),
        ("numpy\nevil", "1.0"),
        ("numpy", "1.0 --pre"),
        ("numpy", "1.0;id"),
        ("numpy", "-1"),
        ("numpy", ""),
        ("", "1.0"),
        ("../x", "1.0"),
        ("numpy @ http://evil", "1.0"),
    ],
)
def test_68_a_requirement_with_anything_a_shell_reads_is_refused(name: str, version: str) -> None:
    assert not is_requirement(name, version)
    with pytest.raises(BundleCorrupt):
        model_of((step_of(PythonModel("a:b", {name: version})),))


def test_a_requirement_that_is_absent_is_named_and_never_installed() -> None:
    with pytest.raises(BundleRefused, match=r"absent-library==1\.0") as refused:
        require({"numpy": "0.1", "absent-library": "1.0"})
    assert refused.value.code == "requirement-absent"


class Loads:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.loaded = 0

    def load(self) -> None:
        self.loaded += 1

    def predict(self, inputs: Any) -> Any:
        return [self.loaded for _ in inputs]


class Waits:
    """A coroutine is no answer."""

    async def predict(self, inputs: Any) -> Any:
        return inputs


def test_a_model_is_a_class_a_function_or_an_object() -> None:
    assert predict_of(Loads)([0]) == [1]
    assert predict_of(Loads())([0]) == [1]
    assert predict_of(sorted_texts)(["b", "a"]) == ["a", "b"]


def sorted_texts(texts: list[str]) -> list[str]:
    return sorted(texts)


@pytest.mark.parametrize("thing", [Waits, 3, Frame])
def test_what_cannot_predict_is_refused(thing: Any) -> None:
    with pytest.raises(BundleRefused, match="no plain predict"):
        predict_of(thing)
