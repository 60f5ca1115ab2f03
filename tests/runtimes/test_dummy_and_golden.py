"""The dummy does what its data says; golden rows tell a changed model from an unchanged one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest

from modelport.core.golden import Golden
from modelport.core.manifest import FORMAT, Manifest, Parameters, Step
from modelport.core.signature import Field, Signature
from modelport.errors import BundleCorrupt, BundleRefused, ModelFailed
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Batch
from modelport.runtimes.golden import golden_of, replay, same
from modelport.runtimes.registry import kinds, runtime

SIGNATURE = Signature("vector", (Field("input", "FP64", (-1, 2)),), (Field("value", "FP64", (-1,)),))


class NoFiles:
    """A manifest without files."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def read(self, path: str) -> bytes:
        raise BundleCorrupt(path)


def dummy(labels: tuple[str, ...] | None = None, **options: Any) -> Predictor:
    steps = (Step("dummy", options),)
    task = "classification" if labels else "regression"
    manifest = Manifest(FORMAT, "dummy", task, SIGNATURE, labels, steps, Parameters(), ())  # type: ignore[arg-type]
    return runtime("dummy").load(NoFiles(manifest))


def rows(*values: list[float]) -> Batch:
    return Batch(len(values), {"input": np.array(values, np.float64)})


def test_it_sums_each_row() -> None:
    assert dummy(factor=2).predict(rows([1, 2], [3, 4])).array("value").tolist() == [6, 14]


def test_poison_in_one_row_fails_the_batch() -> None:
    with pytest.raises(ModelFailed):
        dummy(poison=13.0).predict(rows([1, 2], [13, 0]))


def test_a_marked_row_answers_nan_alone() -> None:
    value = dummy(nonfinite=7.0).predict(rows([7, 2], [1, 1])).array("value")
    assert math.isnan(value[0])
    assert value[1] == 2


def test_it_can_break_its_contract() -> None:
    assert dummy(wrong_rows=1).predict(rows([1, 2])).rows == 2


def test_as_a_classifier_it_gives_labels_with_probabilities() -> None:
    answer = dummy(labels=("a", "b", "c")).predict(rows([1, 0], [2, 2]))
    assert answer.array("label").tolist() == [1, 1]
    np.testing.assert_allclose(answer.array("probabilities").sum(axis=1), 1)


def test_options_it_does_not_know_are_corrupt() -> None:
    with pytest.raises(BundleCorrupt):
        dummy(posion=1)


def test_built_in_runtimes_come_through_the_same_door_as_strangers() -> None:
    assert {"dummy", "onnx"} <= set(kinds())
    assert runtime("onnx") is runtime("onnx")


def test_a_runtime_that_is_not_installed_is_named() -> None:
    with pytest.raises(BundleRefused, match="abacus"):
        runtime("abacus")


def golden(batch: Batch, outputs: Mapping[str, Any]) -> Golden:
    return msgspec.json.decode(msgspec.json.encode(golden_of(batch, outputs, 1e-3)), type=Golden)


def test_golden_rows_survive_json_and_hold() -> None:
    batch = rows([1, 2], [math.nan, 1])
    replay(dummy(), golden(batch, dummy().predict(batch).tensors), SIGNATURE)


def test_the_first_row_that_answers_otherwise_is_named() -> None:
    right = golden(rows([0, 0], [1, 2]), {"value": np.array([0.0, 3.0])})
    with pytest.raises(ModelFailed, match="golden row 1") as caught:
        replay(dummy(factor=1.01), right, SIGNATURE)
    assert caught.value.code == "golden-mismatch"


def test_answers_of_another_shape_are_a_mismatch() -> None:
    with pytest.raises(ModelFailed, match="golden row 0"):
        replay(dummy(wrong_rows=1), golden(rows([1, 2]), {"value": np.array([3.0])}), SIGNATURE)


def test_an_absent_output_is_a_mismatch() -> None:
    with pytest.raises(ModelFailed):
        replay(dummy(), golden(rows([1, 2]), {"scores": np.array([3.0])}), SIGNATURE)


@pytest.mark.parametrize("inputs", [{}, {"input": [["a", "b"]]}, {"input": [[1, 2], [3, 4]]}])
def test_golden_rows_that_do_not_fit_are_corrupt(inputs: dict[str, Any]) -> None:
    with pytest.raises(BundleCorrupt):
        replay(dummy(), Golden(inputs, {"value": [3.0]}, 1), SIGNATURE)


@pytest.mark.parametrize(
    ("expected", "got", "agree"),
    [
        (1.0, 1.0009, True),
        (1.0, 1.002, False),
        (1000.0, 1000.9, True),
        (0.0, 0.0009, True),
        (1e-6, 1.1e-6, False),
        (math.nan, math.nan, True),
        (1.0, math.nan, False),
        (math.inf, math.inf, True),
        (math.inf, 1.0, False),
        (1.0, math.inf, False),
    ],
)
def test_agreement_is_absolute_below_one_and_relative_above(expected: float, got: float, agree: bool) -> None:
    assert same(np.array([expected]), np.array([got]), 1e-3).tolist() == [agree]


def test_labels_agree_only_when_equal() -> None:
    assert same(np.array([1000, 2]), np.array([1000, 3]), 1.0).tolist() == [True, False]
