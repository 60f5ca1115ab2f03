"""Null in the JSON of a V2 tensor is a missing value, where the model knows one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from modelport.core.manifest import Validation
from modelport.core.signature import Field
from modelport.errors import BadRequest
from modelport.runtimes.batch import Array
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.v2 import Requests

AGE = Field("age", "FP64", (-1,), missing=True)
TOWN = Field("town", "BYTES", (-1,), categories=("Ulm", "Bonn"), missing=True, closed=True)
ROWS = Field("input", "FP32", (-1, 2), missing=True)


def read(field: Field, datatype: str, shape: list[int], data: Any, **validation: Any) -> Array:
    reader = Requests((field,), ("label",), Rules(Validation(**validation)))
    tensor = {"name": field.name, "datatype": datatype, "shape": shape, "data": data}
    return reader.decode(json.dumps({"inputs": [tensor]}).encode(), None).batch.array(field.name)


def known(field: Field) -> Field:
    """The same field of a model that knows no missing value."""
    return Field(field.name, field.dtype, field.shape, categories=field.categories, closed=field.closed)


@pytest.mark.parametrize("data", [[1, None, 2, 3], [[1, None], [2, 3]]])
def test_null_is_nan_among_floats(data: list[Any]) -> None:
    array = read(ROWS, "FP32", [2, 2], data)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [[1, np.nan], [2, 3]])


@pytest.mark.parametrize("shape", [[3], [3, 1]])
def test_null_is_no_text_and_not_the_word_null(shape: list[int]) -> None:
    """A column may come as one dimension or two; None is what the native protocol makes of it too."""
    free = Field("town", "BYTES", (-1,), missing=True)
    assert read(free, "BYTES", shape, ["Ulm", None, "null"]).tolist() == ["Ulm", None, "null"]


def test_a_missing_text_breaks_no_rule() -> None:
    assert read(TOWN, "BYTES", [2], [None, "Bonn"], denied_patterns=("x",)).tolist() == [None, "Bonn"]


def test_a_missing_number_lies_in_every_range() -> None:
    assert np.isnan(read(AGE, "FP64", [1], [None], ranges={"age": (18, 99)})).all()


@pytest.mark.parametrize(
    ("field", "datatype", "shape", "data"),
    [
        (known(AGE), "FP64", [2], [1, None]),
        (known(AGE), "FP16", [1], [None]),
        (known(ROWS), "FP32", [1, 2], [1, None]),
        (known(ROWS), "FP32", [1, 2], [[1, None]]),
        (known(TOWN), "BYTES", [2], ["Ulm", None]),
    ],
)
def test_null_is_refused_where_no_value_may_be_missing(
    field: Field, datatype: str, shape: list[int], data: Any
) -> None:
    with pytest.raises(BadRequest, match="knows no missing value") as caught:
        read(field, datatype, shape, data)
    assert caught.value.code == "null-element"


@pytest.mark.parametrize("datatype", ["INT64", "UINT8", "BOOL"])
def test_a_datatype_without_a_missing_value_takes_no_null(datatype: str) -> None:
    with pytest.raises(BadRequest, match="got `null`"):
        read(AGE, datatype, [1], [None])


def test_null_stands_for_an_element_and_never_for_a_row() -> None:
    with pytest.raises(BadRequest, match="got `null`"):
        read(ROWS, "FP32", [2, 2], [[1, 2], None])
