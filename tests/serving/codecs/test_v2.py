"""Requests and answers of the Open Inference Protocol V2."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.manifest import Manifest, Parameters, Validation
from modelport.core.signature import DType, Field, Signature
from modelport.errors import BadRequest, InvalidInput, ModelFailed
from modelport.runtimes.batch import Array, Batch, Ragged
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.tensors import NUMPY, to_bytes
from modelport.serving.codecs.v2 import Inference, Requests, Wanted
from modelport.serving.codecs.v2_answers import Answers
from modelport.serving.results import Meaning, Results

ROWS = Field("input", "FP32", (-1, 3), columns=("a", "b", "c"))
LABEL = Field("label", "INT64", (-1,))
PROBABILITIES = Field("probabilities", "FP32", (-1, 2))
PREDICTION = "01JD0000000000000000000001"
NUMBERS: list[DType] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64"
]  # fmt: skip


def requests(*fields: Field, **validation: Any) -> Requests:
    return Requests(fields or (ROWS,), ("label", "probabilities"), Rules(Validation(**validation)))


def manifest(*outputs: Field) -> Manifest:
    signature = Signature("vector", (ROWS,), outputs or (LABEL, PROBABILITIES))
    return Manifest(1, "onnx", "classification", signature, ("stays", "leaves"), (), Parameters(), ())


def results(**tensors: Array | Ragged) -> Results:
    return Results(Batch(len(next(iter(tensors.values()))), tensors), Meaning(manifest()))


def two_rows() -> Results:
    return results(label=np.array([0, 1]), probabilities=np.array([[0.75, 0.25], [0.25, 0.75]], np.float32))


def answers(*outputs: Field) -> Answers:
    fields = outputs or Meaning(manifest()).outputs
    return Answers("churn", 2, fields, ("stays", "leaves"))


def tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]} | changes


def body(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": list(inputs or (tensor(),)), **more}).encode()


def asking(rows: int, *wanted: Wanted, caller: str = "") -> Inference:
    return Inference(Batch(rows, {}), wanted or None, caller)


def refused(data: bytes, length: bytes | None = None, reader: Requests | None = None) -> str:
    """The code a body is refused with; always 400."""
    with pytest.raises(BadRequest) as caught:
        (reader or requests()).decode(data, length)
    assert caught.value.status == 400
    return caught.value.code


@pytest.mark.parametrize(
    "spelling",
    [
        body(),
        body(tensor(data=[[1, 2, 3]])),
        body(tensor(datatype="FP64")),
        body(tensor(datatype="INT16")),
        body(parameters={"priority": 1}),
        body(outputs=[]),
        body(id="a:b"),
        b" \n" + body(),
    ],
)
def test_every_spelling_of_the_same_rows_gives_the_same_batch(spelling: bytes) -> None:
    array = requests().decode(spelling, None).batch.array("input")
    assert array.dtype == np.float32
    assert array.tolist() == [[1, 2, 3]]


@given(
    st.lists(
        st.tuples(*[st.floats(width=32, allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=4
    )
)
def test_flat_and_nested_data_mean_the_same(rows: list[tuple[float, ...]]) -> None:
    """The short way and the long way agree on every number."""
    shape = [len(rows), 3]
    flat = requests().decode(body(tensor(shape=shape, data=[x for row in rows for x in row])), None)
    nested = requests().decode(body(tensor(shape=shape, data=[list(row) for row in rows])), None)
    assert flat.batch.array("input").tobytes() == nested.batch.array("input").tobytes()


@given(st.sampled_from(NUMBERS), st.integers(1, 3), st.integers(1, 4), st.data())
def test_binary_tensors_of_every_dtype_come_back_bit_for_bit(
    dtype: DType, rows: int, width: int, data: st.DataObject
) -> None:
    kind = NUMPY[dtype]
    bound = 1 if dtype == "BOOL" else 255
    raw = bytes(data.draw(st.integers(0, bound)) for _ in range(rows * width * kind.itemsize))
    field = Field("x", dtype, (-1, width))
    head = body(
        tensor(name="x", shape=[rows, width], datatype=dtype, data=0)
        | {"parameters": {"binary_data_size": len(raw)}}
    ).replace(b', "data": 0', b"")
    read = requests(field, allow_nonfinite=True).decode(head + raw, b"%d" % len(head))
    array = read.batch.array("x")
    assert array.shape == (rows, width)
    assert to_bytes(array, dtype) == raw


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1))
def test_binary_texts_come_back(texts: list[str]) -> None:
    raw = to_bytes(list(texts), "BYTES")
    head = binary(len(raw), name="t", shape=[len(texts)], datatype="BYTES")
    read = requests(Field("t", "BYTES", (-1,))).decode(head + raw, b"%d" % len(head))
    assert read.batch.array("t").tolist() == texts


def binary(size: object, **changes: Any) -> bytes:
    described = tensor(**changes, parameters={"binary_data_size": size})
    del described["data"]
    return body(described)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed-json"),
        (b"{}", "invalid-document"),
        (b"null", "invalid-document"),
        (b"[]", "invalid-document"),
        (body()[:-5], "malformed-json"),
        (b"[" * 250_000, "json-too-deep"),
        (body(id="\ud800"), "malformed-json"),
        (body().replace(b"3]", b"NaN]"), "malformed-json"),
        (body(tensor(datatype="FP31")), "unknown-datatype"),
        (body(tensor(data=["1", "2", "3"])), "invalid-document"),
        (body(tensor(data=[True, False, True])), "invalid-document"),
        (body(tensor(shape=[3])), "shape-mismatch"),
        (body(tensor(shape=[1, -3])), "shape-mismatch"),
        (body(tensor(shape=[2**60, 16])), "shape-mismatch"),
        (body(tensor(shape=[10**9, 3])), "shape-mismatch"),
        (body(tensor(shape=[1, 4], data=[1, 2, 3, 4])), "shape-mismatch"),
        (body(tensor(shape=[2, 3], data=[[1, 2, 3], [4, 5]])), "shape-mismatch"),
        (body(tensor(shape=[0, 3], data=[])), "no-rows"),
        (b'{"inputs":[]}', "missing-input"),
        (body(tensor(name="other")), "unknown-input"),
        (body(tensor(), tensor()), "duplicate-input"),
        (body(outputs=[{"name": "label"}, {"name": "label"}]), "duplicate-output"),
        (body(outputs=[{"name": f"o{i}"} for i in range(10_000)]), "unknown-output"),
        (body(outputs=[{"name": "label"}] * 10_000), "duplicate-output"),
        (body().replace(b'"shape"', b'"name": "input", "shape"'), "duplicate-key"),
        (body().replace(b'{"inputs"', b'{"id": "a", "id": "b", "inputs"'), "duplicate-key"),
        (body(parameters={"sequence_id": 3}), "unsupported-parameter"),
        (body(tensor(parameters={"shared_memory_region": "r"})), "unsupported-parameter"),
        (body(parameters={"timeout": -1}), "bad-parameter"),
        (body(parameters={"binary_data_output": 1}), "bad-parameter"),
        (body(outputs=[{"name": "label", "parameters": {"classification": True}}]), "bad-parameter"),
        (binary(12), "no-header-length"),
    ],
)
def test_a_body_that_cannot_be_understood_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_a_number_too_large_for_the_dtype_is_refused() -> None:
    assert refused(body(tensor(data=[1e300, 0, 0]))) == "nonfinite-input"


@pytest.mark.parametrize("length", [b"-1", b"99999999999", b"1" * 5000, b"12x", b"+3", b""])
def test_a_header_length_the_body_does_not_have_is_refused(length: bytes) -> None:
    assert refused(body(), length) == "bad-header-length"


@pytest.mark.parametrize(
    ("size", "tail"), [(12, 11), (12, 13), (11, 11), (-1, 12), (2**70, 12), ("12", 12), (True, 12), (0, 0)]
)
def test_a_binary_size_that_does_not_fit_is_refused(size: object, tail: int) -> None:
    head = binary(size)
    assert refused(head + bytes(tail), b"%d" % len(head)) in {"binary-size", "shape-mismatch"}


def test_binary_tensors_follow_each_other_in_the_order_of_the_json() -> None:
    fields = Field("x", "INT16", (-1,)), Field("y", "UINT8", (-1,))
    head = body(
        {"name": "y", "shape": [2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}},
        {"name": "x", "shape": [2], "datatype": "INT16", "parameters": {"binary_data_size": 4}},
    )
    read = requests(*fields).decode(head + b"\x01\x02" + struct.pack("<2h", 3, -4), b"%d" % len(head))
    assert read.batch.array("x").tolist() == [3, -4]
    assert read.batch.array("y").tolist() == [1, 2]
    assert list(read.batch.tensors) == ["x", "y"]


def test_inputs_with_different_row_counts_are_refused() -> None:
    fields = Field("x", "INT64", (-1,)), Field("y", "INT64", (-1,))
    one = tensor(name="x", shape=[2], datatype="INT64", data=[1, 2])
    two = tensor(name="y", shape=[1], datatype="INT64", data=[1])
    assert refused(body(one, two), reader=requests(*fields)) == "row-mismatch"


def test_a_raw_body_is_one_row_and_asks_for_binary_answers() -> None:
    read = requests().decode(struct.pack("<3f", 1, 2, 3), b"0")
    assert read.batch.array("input").tolist() == [[1, 2, 3]]
    assert read.wanted == (Wanted("label", binary=True), Wanted("probabilities", binary=True))
    assert refused(b"\0" * 11, b"0") in {"binary-size", "shape-mismatch"}


def test_a_raw_body_is_the_whole_text_of_a_text_model() -> None:
    read = requests(Field("t", "BYTES", (-1,))).decode("grüße".encode(), b"0")
    assert read.batch.array("t").tolist() == ["grüße"]


def test_the_flag_of_an_output_wins_over_that_of_the_request() -> None:
    asked = body(
        parameters={"binary_data_output": True},
        outputs=[{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}],
    )
    assert requests().decode(asked, None).wanted == (
        Wanted("label"), Wanted("probabilities", binary=True)
    )  # fmt: skip


def test_plain_json_may_ask_for_a_binary_answer() -> None:
    """As clients do that name no outputs."""
    read = requests().decode(body(parameters={"binary_data_output": True}), None)
    assert read.binary


def test_the_timeout_counts_microseconds() -> None:
    assert requests().decode(body(parameters={"timeout": 250_000}), None).timeout == 0.25


def test_rules_clean_texts_and_say_so() -> None:
    reader = requests(Field("t", "BYTES", (-1,)), strip_html=True)
    read = reader.decode(body(tensor(name="t", shape=[2], datatype="BYTES", data=["<b>x</b>", "y"])), None)
    assert read.batch.array("t").tolist() == ["x", "y"]
    assert read.notes == ("strip_html",)


def test_rules_refuse_texts_with_nul() -> None:
    reader = requests(Field("t", "BYTES", (-1,)))
    with pytest.raises(InvalidInput, match="NUL"):
        reader.decode(body(tensor(name="t", shape=[1], datatype="BYTES", data=["\0"])), None)


def test_a_value_outside_a_column_s_range_is_refused() -> None:
    reader = requests(ranges={"b": (0, 10)})
    assert reader.decode(body(), None).batch.rows == 1
    with pytest.raises(InvalidInput, match="'b' of row 0"):
        reader.decode(body(tensor(data=[1, 11, 3])), None)


def test_an_unknown_word_of_a_closed_column_is_refused() -> None:
    reader = requests(Field("t", "BYTES", (-1,), categories=("a", "b"), closed=True))
    with pytest.raises(InvalidInput, match="'c' is not a category"):
        reader.decode(body(tensor(name="t", shape=[2], datatype="BYTES", data=["a", "c"])), None)


def test_an_answer_repeats_the_caller_s_id_and_gives_labels_not_indices() -> None:
    answer = json.loads(answers().json(two_rows(), 1, PREDICTION, asking(1, caller='a"b')))
    assert answer == {
        "model_name": "churn",
        "model_version": "2",
        "id": 'a"b',
        "parameters": {"prediction_id": PREDICTION},
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["leaves"]},
            {"name": "probabilities", "datatype": "FP32", "shape": [1, 2], "data": [0.25, 0.75]},
        ],
    }


def test_an_answer_of_several_rows_is_flat_and_row_major() -> None:
    answer = json.loads(answers().json(two_rows(), 0, PREDICTION, asking(2)))
    assert answer["outputs"][1]["shape"] == [2, 2]
    assert answer["outputs"][1]["data"] == [0.75, 0.25, 0.25, 0.75]
    assert "id" not in answer


def test_selecting_all_outputs_in_json_says_the_same_as_asking_for_none() -> None:
    everything = asking(2, Wanted("label"), Wanted("probabilities"))
    head, tail = answers().selected(two_rows(), 0, PREDICTION, everything)
    assert tail == b""
    assert json.loads(head) == json.loads(answers().json(two_rows(), 0, PREDICTION, asking(2)))


def test_numbers_that_are_not_finite_are_null_in_json_and_ieee_in_binary() -> None:
    found = results(label=np.array([0]), probabilities=np.array([[np.nan, -np.inf]], np.float32))
    head = answers().json(found, 0, PREDICTION, asking(1))
    assert msgspec.json.decode(head)["outputs"][1]["data"] == [None, None]
    _, tail = answers().selected(found, 0, PREDICTION, asking(1, Wanted("probabilities", binary=True)))
    assert tail == np.array([np.nan, -np.inf], "<f4").tobytes()


def test_a_binary_answer_gives_sizes_in_json_and_bytes_behind_it() -> None:
    wanted = asking(2, Wanted("probabilities", binary=True), Wanted("label", binary=True))
    head, tail = answers().selected(two_rows(), 0, PREDICTION, wanted)
    sizes = [output["parameters"]["binary_data_size"] for output in json.loads(head)["outputs"]]
    assert sizes == [16, 19]
    assert tail[:16] == np.array([0.75, 0.25, 0.25, 0.75], "<f4").tobytes()
    assert tail[16:] == b"\x05\0\0\0stays\x06\0\0\0leaves"


def test_classification_gives_the_highest_values_with_index_and_label() -> None:
    head, _ = answers().selected(two_rows(), 0, PREDICTION, asking(2, Wanted("probabilities", classes=1)))
    assert json.loads(head)["outputs"] == [
        {
            "name": "probabilities",
            "datatype": "BYTES",
            "shape": [2, 1],
            "data": ["0.750000:0:stays", "0.750000:1:leaves"],
        }
    ]


def test_words_cannot_be_classified() -> None:
    with pytest.raises(BadRequest, match="cannot be classified"):
        answers().selected(two_rows(), 0, PREDICTION, asking(2, Wanted("label", classes=1)))


def test_rows_of_different_lengths_fail_instead_of_being_padded() -> None:
    field = Field("spans", "INT64", (-1, -1))
    found = Results(Batch(2, {"spans": Ragged(np.arange(3), np.array([0, 1, 3]))}), Meaning(manifest(field)))
    with pytest.raises(ModelFailed, match="differ in length"):
        answers(field).json(found, 0, PREDICTION, asking(2))


def test_variable_sizes_are_given_as_they_are() -> None:
    field = Field("cube", "FP32", (-1, -1, 2))
    found = Results(Batch(1, {"cube": np.zeros((1, 3, 2), np.float32)}), Meaning(manifest(field)))
    answer = json.loads(answers(field).json(found, 0, PREDICTION, asking(1)))
    assert answer["outputs"][0]["shape"] == [1, 3, 2]
    assert answer["outputs"][0]["data"] == [0] * 6


def test_labels_of_several_kinds_are_written_as_texts() -> None:
    mixed = msgspec.structs.replace(manifest(LABEL), labels=("a", 1))
    found = Results(Batch(2, {"label": np.array([0, 1])}), Meaning(mixed))
    answer = json.loads(Answers("m", 1, Meaning(mixed).outputs).json(found, 0, PREDICTION, asking(2)))
    assert answer["outputs"][0]["data"] == ["a", "1"]
