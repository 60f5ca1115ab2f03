"""Binary tensors: what is sent comes back the same, and bytes that do not fit are refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelport.client import tensors
from modelport.errors import InvalidInput, ModelportError
from modelport.runtimes.batch import Array

kinds = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)


def round_trip(array: Array) -> Array:
    [described], [data] = tensors.encode({"x": array})
    assert described["parameters"]["binary_data_size"] == len(data)
    return tensors.decode(described["datatype"], described["shape"], memoryview(data))


@given(hnp.arrays(kinds, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)))
def test_numbers_survive_the_trip_in_any_byte_order(array: Array) -> None:
    back = round_trip(array)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype.newbyteorder("=")


@given(st.lists(st.text(), max_size=6))
def test_text_survives_the_trip(texts: list[str]) -> None:
    array = np.empty(len(texts), object)
    array[:] = texts
    assert round_trip(array).tolist() == texts


def test_bytes_that_are_no_text_lose_nothing() -> None:
    array = np.array([b"\xff\x00a"], object)
    assert round_trip(array)[0].encode("utf-8", "surrogateescape") == b"\xff\x00a"


def test_a_transposed_view_is_sent_row_by_row() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(round_trip(array), array)


@pytest.mark.parametrize("array", [np.array([1j]), np.array(["2026-01-01"], "M8[D]"), np.array([None])])
def test_what_the_protocol_has_no_name_for_is_refused_here(array: Array) -> None:
    with pytest.raises(InvalidInput, match="'x'"):
        tensors.encode({"x": array})


@pytest.mark.parametrize(
    ("datatype", "shape", "data"),
    [
        ("FP32", (2,), b"\0" * 7),
        ("BYTES", (1,), b"\1\0"),
        ("BYTES", (1,), struct.pack("<I", 9) + b"abc"),
        ("BYTES", (2,), struct.pack("<I", 1) + b"a"),
        ("COMPLEX", (1,), b""),
    ],
)
def test_an_answer_that_does_not_fit_its_shape_is_no_answer(
    datatype: str, shape: tuple[int, ...], data: bytes
) -> None:
    with pytest.raises(ModelportError) as caught:
        tensors.decode(datatype, shape, memoryview(data))
    assert caught.value.code == "bad-answer"


def test_json_data_may_be_nested_or_flat_and_null_is_nan() -> None:
    flat = tensors.from_json("FP32", (2, 2), [1, 2, 3, None])
    nested = tensors.from_json("FP32", (2, 2), [[1, 2], [3, None]])
    np.testing.assert_array_equal(flat, nested)
    assert np.isnan(flat[1, 1])
