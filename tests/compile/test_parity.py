"""A compiled model that answers otherwise is caught, and one that does not is let through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from modelport.compile.compare import Parity, compare
from modelport.compile.compiled import Adopted, Compiled
from modelport.compile.edges import edges
from modelport.compile.parity import judge, trial
from modelport.compile.sample import Sample
from modelport.core.signature import Field, Signature
from modelport.errors import ParityError
from modelport.runtimes.batch import Array, Batch

VECTOR = Signature("vector", (Field("input", "FP32", (-1, 2)),), (Field("value", "FP32", (-1,)),))


def rows(count: int) -> Batch:
    return Batch(count, {"input": np.arange(count * 2.0).reshape(count, 2)})


def verdict(expected: Mapping[str, Any], got: Mapping[str, Any]) -> Parity:
    wanted = {name: np.asarray(values) for name, values in expected.items()}
    given = {name: np.asarray(values) for name, values in got.items()}
    count = len(next(iter(wanted.values())))
    return compare(wanted, Batch(count, given), rows(count))


def test_small_differences_hold_and_are_measured() -> None:
    parity = verdict({"value": [1.0, 100.0]}, {"value": [1.0001, 100.01]})
    assert parity.holds
    assert parity.differences[0].max_absolute == pytest.approx(0.01)
    assert parity.differences[0].max_relative == pytest.approx(1e-4)
    assert parity.worst == ()


def test_the_worst_row_comes_first_with_its_input_and_both_answers() -> None:
    parity = verdict({"value": [1.0, 2.0, 3.0]}, {"value": [1.0, 2.5, 30.0]})
    assert not parity.holds
    assert [row.index for row in parity.worst] == [2, 1]
    worst = parity.worst[0]
    assert (worst.input, worst.expected, worst.got) == ({"input": [4.0, 5.0]}, 3.0, 30.0)


def test_another_label_is_no_parity_however_close_the_numbers() -> None:
    table = [[0.4, 0.6]]
    parity = verdict({"label": [1], "probabilities": table}, {"label": [0], "probabilities": table})
    assert (parity.holds, parity.label_agreement) == (False, 0.0)


@pytest.mark.parametrize(
    "scores",
    [
        {"probabilities": [[0.5, 0.4999]]},
        {"scores": [[2.0, 2.0005]]},
        {"scores": [0.0004]},
    ],
)
def test_a_near_tie_of_the_original_may_go_either_way_and_is_counted(scores: dict[str, Any]) -> None:
    parity = verdict({"label": [0], **scores}, {"label": [1], **scores})
    assert (parity.holds, parity.near_ties, parity.label_agreement) == (True, 1, 1.0)


def test_a_near_tie_excuses_no_wrong_probability() -> None:
    parity = verdict(
        {"label": [0], "probabilities": [[0.5, 0.5]]}, {"label": [1], "probabilities": [[0.1, 0.9]]}
    )
    assert not parity.holds


@pytest.mark.parametrize("got", [{}, {"value": [1.0]}, {"value": [[1.0], [2.0]]}, {"value": [1.0, np.nan]}])
def test_an_absent_misshapen_or_unknown_answer_is_no_parity(got: dict[str, Any]) -> None:
    assert not verdict({"value": [1.0, 2.0]}, got).holds


def test_tiny_answers_are_held_to_their_own_measure() -> None:
    assert not verdict({"value": [1e-6, 2e-6]}, {"value": [2e-6, 2e-6]}).holds


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_every_answer_agrees_with_itself_and_the_outcome_is_plain_data(values: list[float]) -> None:
    parity = verdict({"value": values}, {"value": values})
    assert parity.holds
    assert msgspec.json.decode(msgspec.json.encode(parity), type=Parity) == parity


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    st.integers(0, 19),
    st.floats(0.01, 1e3),
)
def test_any_single_answer_moved_beyond_tolerance_is_found(
    values: list[float], place: int, push: float
) -> None:
    expected = np.array(values)
    got = expected.copy()
    place %= len(values)
    got[place] += push * max(1.0, abs(got[place]))
    parity = verdict({"value": expected}, {"value": got})
    assert not parity.holds
    assert parity.worst[0].index == place


def step_model(threshold: float) -> Compiled:
    """A graph that answers 1.0 where the first number is above a threshold: the smallest tree."""
    nodes = [
        helper.make_node("Gather", ["input", "first"], ["column"], axis=1),
        helper.make_node("Greater", ["column", "cut"], ["above"]),
        helper.make_node("Cast", ["above"], ["value"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "step",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["n"])],
        [
            helper.make_tensor("first", TensorProto.INT64, [], [0]),
            helper.make_tensor("cut", TensorProto.FLOAT, [], [threshold]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    files = {"model/graph.onnx": model.SerializeToString()}
    return Compiled("onnx", "regression", VECTOR, None, files)


def adopted(threshold: float, refuses: float = np.inf, dtype: type[Any] = np.float32) -> Adopted:
    """A tree that reads its numbers as `dtype`, as scikit-learn's read theirs as float32."""

    def original(batch: Batch) -> dict[str, Array]:
        first = batch.array("input")[:, 0].astype(dtype)
        if (first > refuses).any():
            msg = "out of range"
            raise ValueError(msg)
        return {"value": (first > threshold).astype(np.float64)}

    return Adopted("regression", None, (), original)


SAMPLE = Sample.of(np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [4.0, 0.0]]))


def test_the_same_threshold_holds() -> None:
    parity = judge(adopted(1.5), step_model(1.5), SAMPLE)
    assert parity.holds
    assert parity.edge_rows > 20


def test_a_threshold_one_float_off_is_found_though_no_sample_row_shows_it() -> None:
    """The sample holds 1.0 and 2.0 only; trees cut between them, so edges look there."""
    off = float(np.nextafter(np.float32(1.5), np.float32(2)))
    with pytest.raises(ParityError, match=r"expected 1\.0, got 0\.0"):
        judge(adopted(1.5), step_model(off), SAMPLE)


def test_a_tree_that_reads_doubles_is_not_the_same_in_single_floats() -> None:
    """A value one double above the threshold is on it, once rounded to a float."""
    with pytest.raises(ParityError, match=r"1\.5000000000000002"):
        judge(adopted(1.5, dtype=np.float64), step_model(1.5), SAMPLE)


def test_rows_that_the_original_refuses_are_left_out_and_counted() -> None:
    parity = judge(adopted(1.5, refuses=100.0), step_model(1.5), SAMPLE)
    assert parity.holds
    assert parity.refused_rows > 0


def test_a_row_that_only_the_compiled_model_refuses_is_named() -> None:
    compiled = step_model(1.5)
    wide = Sample.of(np.ones((2, 3)))
    with pytest.raises(ParityError, match="refuses a row"):
        judge(adopted(1.5), compiled, wide)


def test_rows_that_agree_are_known_for_golden_rows() -> None:
    found = trial(adopted(1.5), step_model(1.5), SAMPLE)
    assert found.agreed.all()
    assert found.taken.array("input").dtype == np.float32
    assert found.given.array("input").dtype == np.float64


TABLE = Sample.of({"age": [1, 2, 30], "city": ["Oslo", "Rome", "Oslo"], "member": [True, False, True]})
CLOSED = (
    Field("age", "INT64", (-1,)),
    Field("city", "BYTES", (-1,), closed=True),
    Field("member", "BOOL", (-1,)),
)
OPEN = (
    Field("age", "FP32", (-1,), missing=True),
    Field("city", "BYTES", (-1,), missing=True),
    Field("member", "BOOL", (-1,)),
)


def test_edges_keep_to_what_the_fields_allow() -> None:
    made = edges(TABLE, CLOSED)
    assert set(made.array("city")) == {"Oslo", "Rome"}
    assert made.array("age").dtype == np.int64
    assert made.array("member").dtype == np.bool_


def test_edges_try_gaps_and_unknown_values_where_fields_allow_them() -> None:
    made = edges(TABLE, OPEN)
    assert None in set(made.array("city"))
    assert "never seen before" in set(made.array("city"))
    assert np.isnan(made.array("age")).any()


def test_edges_of_text_hold_what_breaks_tokenizers() -> None:
    made = list(edges(Sample.of(["one two", "three"]), ()).array("text"))
    assert {"", " "} <= set(made)
    assert max(map(len, made)) >= 5000


@pytest.mark.parametrize("width", [1, 2, 300, 2000])
def test_edges_are_repeatable_and_bounded_for_any_width(width: int) -> None:
    sample = Sample.of(np.random.default_rng(0).normal(size=(20, width)))
    fields = (Field("input", "FP32", (-1, width)),)
    made = edges(sample, fields)
    assert made.rows < 3000
    np.testing.assert_array_equal(made.array("input"), edges(sample, fields).array("input"))


@given(st.lists(st.floats(), min_size=1, max_size=8))
def test_edges_exist_for_any_numbers(values: list[float]) -> None:
    assert edges(Sample.of(np.array(values)[:, None]), (Field("input", "FP64", (-1, 1)),)).rows > 0
