"""RELIABILITY case 67: broken and hostile files of boosted trees are refused by name of what is wrong.

All of them are read by our own code first; none of these reaches the library that would trust it. Some go the
whole way through the sandbox, to see that packing survives them.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from modelport.compile.boosting.catboost_document import check
from modelport.compile.pack_file import pack_file
from modelport.compile.sandbox import load_json, load_lightgbm, load_xgboost
from modelport.errors import ModelportError, SourceRefused

ROWS = np.random.default_rng(0).normal(size=(200, 4))
TARGET = ROWS[:, 0] + (ROWS[:, 1] > 0) * ROWS[:, 2]


@pytest.fixture(scope="module")
def boosted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good file of each form, and rows for them."""
    folder = tmp_path_factory.mktemp("boosted")
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, xgboost.DMatrix(ROWS, TARGET), 4)
    booster.save_model(folder / "good.ubj")
    booster.save_model(folder / "good.json")
    options = {"verbose": -1, "num_leaves": 7, "num_threads": 1}
    lightgbm.train(options, lightgbm.Dataset(ROWS, TARGET), 4).save_model(folder / "good.txt")
    header = "a,b,c,d\n"
    (folder / "rows.csv").write_text(header + "\n".join(",".join(map(str, row)) for row in ROWS))
    return folder


def refusal(load: Callable[[Path], Any], path: Path, data: bytes) -> str:
    """What the loader says to a file with these bytes."""
    path.write_bytes(data)
    with pytest.raises(SourceRefused) as caught:
        load(path)
    assert caught.value.code == "source-malformed"
    assert str(path.parent) not in str(caught.value)
    return caught.value.message


def tree(document: dict[str, Any]) -> Any:
    return document["learner"]["gradient_booster"]["model"]["trees"][1]


def put(name: str, place: int, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: tree(document)[name].__setitem__(place, value)


def model(document: dict[str, Any]) -> Any:
    return document["learner"]["gradient_booster"]["model"]


XGBOOST: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "child far away": (put("left_children", 0, 2**31 - 1), "names the node 2147483647"),
    "child below zero": (put("right_children", 0, -7), "names the node -7"),
    "cycle": (put("left_children", 1, 0), "reaches a node twice"),
    "shared child": (put("right_children", 0, 1), "reaches a node twice"),
    "absurd feature": (put("split_indices", 0, 10**9), "tests the feature 1000000000 of 4"),
    "fewer conditions": (lambda doc: tree(doc)["split_conditions"].pop(), "entries of split_conditions"),
    "cut tree": (lambda doc: tree(doc).pop("left_children"), "KeyError"),
    "2^31 nodes": (lambda doc: tree(doc)["tree_param"].update(num_nodes=str(2**31)), "2147483648 nodes"),
    "2^31 trees": (
        lambda doc: model(doc)["gbtree_model_param"].update(num_trees=str(2**31)),
        "2147483648 trees",
    ),
    "fewer trees": (lambda doc: model(doc)["trees"].pop(), "4 trees, and has 3"),
    "absurd width": (
        lambda doc: doc["learner"]["learner_model_param"].update(num_feature=str(2**40)),
        "1099511627776 features",
    ),
    "no features": (lambda doc: doc["learner"]["learner_model_param"].update(num_feature="0"), "0 features"),
    "foreign target": (lambda doc: model(doc)["tree_info"].__setitem__(0, 5), "adds to target 5 of 1"),
    "rounds beyond": (lambda doc: model(doc)["iteration_indptr"].__setitem__(-1, 99), "rounds of the model"),
    "words for numbers": (put("left_children", 0, "one"), "not a model as XGBoost writes it"),
    "base score": (
        lambda doc: doc["learner"]["learner_model_param"].update(base_score="[1e0,2e0,3e0]"),
        "not a model as XGBoost writes it",
    ),
    "no trees at all": (lambda doc: doc["learner"].pop("gradient_booster"), "KeyError"),
    "list for object": (lambda doc: doc["learner"].update(gradient_booster=[1]), "TypeError"),
}


@pytest.mark.parametrize("case", XGBOOST)
def test_a_broken_document_of_xgboost_is_refused(case: str, boosted: Path, tmp_path: Path) -> None:
    change, reason = XGBOOST[case]
    document = json.loads((boosted / "good.json").read_bytes())
    change(document)
    assert reason in refusal(load_json.load, tmp_path / "bad.json", json.dumps(document).encode())


def _first_condition(document: dict[str, Any]) -> bytes:
    return struct.pack(">f", tree(document)["split_conditions"][0])


def test_a_threshold_that_is_not_a_number_is_refused(boosted: Path, tmp_path: Path) -> None:
    """JSON has no word for it, XGBoost's binary form has."""
    data = (boosted / "good.ubj").read_bytes()
    condition = _first_condition(json.loads((boosted / "good.json").read_bytes()))
    assert data.count(condition) >= 1
    broken = data.replace(condition, struct.pack(">f", math.nan))
    assert "not a number" in refusal(load_xgboost.load, tmp_path / "bad.ubj", broken)


LENGTH = b"L" + struct.pack(">q", 2**62)
BINARY = {
    "endless text": (b"{" + LENGTH + b"learner", "ends within a value"),
    "endless array": (b"{L" + struct.pack(">q", 1) + b"a[$d#" + LENGTH, "ends within a value"),
    "negative length": (b"{L" + struct.pack(">q", -5) + b"a", "ends within a value"),
    "deep": (b"{L" + struct.pack(">q", 1) + b"a" + b"[" * 100_000, "nested more than"),
    "no value": (b"{L" + struct.pack(">q", 1) + b"a\xff", "begins no value"),
    "not text": (b"{L" + struct.pack(">q", 1) + b"\xff\x5a}", "not UTF-8"),
    "no model": (b"{L" + struct.pack(">q", 1) + b"aZ}", "KeyError"),
}


@pytest.mark.parametrize("case", BINARY)
def test_broken_binary_json_is_refused(case: str, tmp_path: Path) -> None:
    data, reason = BINARY[case]
    assert reason in refusal(load_xgboost.load, tmp_path / "bad.ubj", data)


def test_a_cut_binary_file_is_refused_wherever_it_is_cut(boosted: Path, tmp_path: Path) -> None:
    data = (boosted / "good.ubj").read_bytes()
    for place in range(1, len(data), 97):
        refusal(load_xgboost.load, tmp_path / "cut.ubj", data[:place])
    assert "goes on" in refusal(load_xgboost.load, tmp_path / "long.ubj", data + b"}")


def line(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    """The text with the numbers of the first line of that name changed."""

    def apply(text: str) -> str:
        before, _, rest = text.partition(f"\n{name}=")
        values, _, after = rest.partition("\n")
        return f"{before}\n{name}={' '.join(change(values.split()))}\n{after}"

    return apply


def first(value: str) -> Callable[[list[str]], list[str]]:
    return lambda values: [value, *values[1:]]


def led_by(head: list[str]) -> Callable[[list[str]], list[str]]:
    return lambda values: [*head, *values[len(head) :]]


LIGHTGBM: dict[str, tuple[Callable[[str], str], str]] = {
    "child far away": (line("left_child", first("2147483647")), "names the node 2147483647"),
    "leaf far away": (line("right_child", first("-2147483648")), "names the node 2147483653"),
    "cycle": (line("left_child", lambda each: [each[0], "0", *each[2:]]), "reaches a node twice"),
    "absurd feature": (line("split_feature", first("99999999")), "tests the feature 99999999 of 4"),
    "NaN threshold": (line("threshold", first("nan")), "not a number"),
    "infinite leaf": (line("leaf_value", first("inf")), "not a finite number"),
    "2^31 leaves": (line("num_leaves", lambda _: ["2147483648"]), "2147483648 entries of leaf_value"),
    "fewer thresholds": (line("threshold", lambda each: each[:-1]), "entries of threshold"),
    "absurd width": (line("max_feature_idx", lambda _: [str(2**40)]), "features"),
    "2^31 classes": (
        lambda text: text.replace("objective=regression", "objective=multiclass").replace(
            "num_class=1", "num_class=2147483648"
        ),
        "2147483648 trees in an iteration",
    ),
    "no trees in an iteration": (line("num_tree_per_iteration", lambda _: ["0"]), "0 trees in an iteration"),
    "fewer trees": (line("tree_sizes", lambda each: [*each, "100"]), "5 trees, and has 4"),
    "tree elsewhere": (line("tree_sizes", first("99999999")), "does not have the size"),
    "cut": (lambda text: text[: len(text) // 3], "no line 'end of trees'"),
    "another number": (lambda text: text.replace("\nTree=2\n", "\nTree=7\n"), "7 trees before this one"),
    "words": (line("left_child", first("left")), "not a model as LightGBM writes it"),
    "no such set": (line("decision_type", first("1")), "entries of cat_boundaries"),
    "a letter": (lambda _: "Dear customer,\n", "first line is not 'tree'"),
}


@pytest.mark.parametrize("case", LIGHTGBM)
def test_a_broken_document_of_lightgbm_is_refused(case: str, boosted: Path, tmp_path: Path) -> None:
    change, reason = LIGHTGBM[case]
    text = (boosted / "good.txt").read_text()
    sizes = case in {"fewer trees", "tree elsewhere", "2^31 classes"}
    broken = change(text) if sizes else _resized(change(text))
    assert reason in refusal(load_lightgbm.load, tmp_path / "bad.txt", broken.encode())


def _resized(text: str) -> str:
    """The text with sizes of trees that are right again, so that another check has to find what is wrong."""
    body, end, _ = text.partition("\nend of trees\n")
    blocks = body.split("\nTree=")[1:] if end else []
    sizes = [len("\nTree=") + len(block) for block in blocks]
    return line("tree_sizes", lambda _: [str(size) for size in sizes])(text) if sizes else text


def test_a_set_of_categories_outside_its_table_is_refused(tmp_path: Path) -> None:
    codes = np.arange(200) % 12
    data = lightgbm.Dataset(codes.reshape(-1, 1), codes % 5 * 1.0, categorical_feature=[0])
    options = {"verbose": -1, "min_data_per_group": 1, "max_cat_to_onehot": 1, "min_data_in_leaf": 1}
    text = str(lightgbm.train(options, data, 2).model_to_string())
    assert "cat_threshold=" in text
    for name, value in (("cat_boundaries", ["0", "99999999"]), ("threshold", ["5"]), ("num_cat", ["9"])):
        broken = _resized(line(name, led_by(value))(text))
        message = refusal(load_lightgbm.load, tmp_path / "bad.txt", broken.encode())
        assert "categories" in message or "cat_boundaries" in message


def catboost_document() -> dict[str, Any]:
    split = {"split_type": "FloatFeature", "float_feature_index": 0, "border": 0.5, "split_index": 0}
    feature = {"feature_index": 0, "flat_feature_index": 0, "feature_id": "a", "borders": [0.5]}
    return {
        "features_info": {"float_features": [feature | {"nan_value_treatment": "AsIs"}]},
        "oblivious_trees": [{"splits": [split, split], "leaf_values": [1.0, 2.0, 3.0, 4.0]}],
        "scale_and_bias": [1, [0]],
        "model_info": {"params": {"loss_function": {"type": "RMSE"}}},
    }


def splits(document: dict[str, Any]) -> Any:
    return document["oblivious_trees"][0]["splits"]


CATBOOST: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "fewer leaves": (lambda doc: doc["oblivious_trees"][0]["leaf_values"].pop(), "4 leaf values, and has 3"),
    "2^31 leaves": (lambda doc: splits(doc).extend(splits(doc) * 15), "32 levels deep"),
    "absurd feature": (lambda doc: splits(doc)[0].update(float_feature_index=10**9), "KeyError"),
    "absurd place": (
        lambda doc: doc["features_info"]["float_features"][0].update(flat_feature_index=2**40),
        "features",
    ),
    "no scale": (lambda doc: doc.pop("scale_and_bias"), "KeyError"),
    "huge scale": (
        lambda doc: doc.update(scale_and_bias=[10**400, [0]]),
        "not a model as CatBoost writes it",
    ),
    "no node": (lambda doc: doc.update(trees=[{"split": splits(doc)[0], "left": {"value": 1}}]), "KeyError"),
    "leaf of two": (lambda doc: doc.update(trees=[{"value": [1, 2]}]), "1 values of a leaf, and has 2"),
}


@pytest.mark.parametrize("case", CATBOOST)
def test_a_broken_document_of_catboost_is_refused(case: str, tmp_path: Path) -> None:
    """No library is needed to see it."""
    change, reason = CATBOOST[case]
    document = catboost_document()
    change(document)
    assert reason in refusal(load_json.load, tmp_path / "bad.json", json.dumps(document).encode())


@pytest.mark.parametrize("levels", [900, 1_200, 100_000])
def test_a_tree_nested_without_end_is_refused(levels: int, tmp_path: Path) -> None:
    document = json.dumps(catboost_document() | {"trees": ["here"]})
    split = json.dumps({"split": splits(catboost_document())[0]})[:-1]
    nested = f'{split}, "right": {{"value": 1.0}}, "left": ' * levels + '{"value": 2.0}' + "}" * levels
    broken = document.replace('"here"', nested).encode()
    if levels > 900:
        assert refusal(load_json.load, tmp_path / "bad.json", broken)
    else:
        check(json.loads(broken))


def test_json_of_somebody_else_is_refused(tmp_path: Path) -> None:
    assert "neither" in refusal(load_json.load, tmp_path / "bad.json", b'{"layers": []}')
    assert "not JSON" in refusal(load_json.load, tmp_path / "bad.json", b"[" * 100_000)


WHOLE_WAY: dict[str, Callable[[Path], bytes]] = {
    "cycle.txt": lambda folder: LIGHTGBM["cycle"][0]((folder / "good.txt").read_text()).encode(),
    "cut.ubj": lambda folder: (folder / "good.ubj").read_bytes()[:-200],
    "noise.cbm": lambda _: b"CBM1" + bytes(range(256)) * 40,
}


@pytest.mark.parametrize("name", WHOLE_WAY)
def test_packing_survives_a_broken_file(name: str, boosted: Path, tmp_path: Path) -> None:
    """Where the library is not installed, that is what is said."""
    (tmp_path / name).write_bytes(WHOLE_WAY[name](boosted))
    with pytest.raises(ModelportError) as caught:
        pack_file(tmp_path / name, name="bad", sample_path=boosted / "rows.csv")
    assert caught.value.status == 400
    assert caught.value.code in {"source-malformed", "library-missing"}
    assert "/" not in caught.value.message


@pytest.mark.parametrize("name", ["good.ubj", "good.txt"])
def test_a_good_file_is_packed_all_the_way(name: str, boosted: Path) -> None:
    packed = pack_file(boosted / name, name="good", sample_path=boosted / "rows.csv")
    assert packed.parity.holds
    assert packed.manifest.signature.inputs[0].shape == (-1, 4)
