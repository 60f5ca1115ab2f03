"""Packing borrows skl2onnx: what a program converts by itself is as if nothing had ever been packed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import skl2onnx
from skl2onnx._parse import sklearn_parsers_map
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import _converter_pool, _shape_calculator_pool
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import NearestCentroid

import modelport
from modelport.compile.sklearn.converters import registered
from modelport.errors import Unsupported

FLOWERS, SPECIES = load_iris(return_X_y=True)
TABLES = (sklearn_operator_name_map, sklearn_parsers_map, _converter_pool, _shape_calculator_pool)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def _own(model: Any) -> bytes:
    graph = skl2onnx.to_onnx(model, FLOWERS[:1], target_opset=18, name="mine")
    return bytes(graph.SerializeToString(deterministic=True))


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        GradientBoostingClassifier(n_estimators=5),
        CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_program_converts_the_same_before_and_after_a_pack(model: Any) -> None:
    model.fit(FLOWERS, SPECIES)
    before = _own(model)
    modelport.pack(model, name="iris", sample=FLOWERS)
    assert _own(model) == before


def test_nothing_stays_registered_after_a_refusal() -> None:
    before = [dict(table) for table in TABLES]
    with pytest.raises(Unsupported):
        modelport.pack(NearestCentroid().fit(FLOWERS, SPECIES), name="iris", sample=FLOWERS)
    assert [dict(table) for table in TABLES] == before


def test_what_a_program_registers_while_we_convert_stays() -> None:
    class Own:
        pass

    try:
        with registered():
            sklearn_operator_name_map[Own] = "Own"
        assert sklearn_operator_name_map[Own] == "Own"
    finally:
        del sklearn_operator_name_map[Own]


def test_a_converter_a_program_had_put_in_place_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sklearn_operator_name_map, RandomForestClassifier, "SklearnTheirs")
    with registered():
        assert sklearn_operator_name_map[RandomForestClassifier] != "SklearnTheirs"
    assert sklearn_operator_name_map[RandomForestClassifier] == "SklearnTheirs"


def test_models_packed_in_threads_do_not_take_each_others_converters() -> None:
    before = [dict(table) for table in TABLES]
    models = [RandomForestClassifier(5, random_state=seed).fit(FLOWERS, SPECIES) for seed in range(6)]
    with ThreadPoolExecutor(3) as threads:
        packed = list(threads.map(lambda model: modelport.pack(model, name="iris", sample=FLOWERS), models))
    assert all(each.parity.holds for each in packed)
    assert [dict(table) for table in TABLES] == before
