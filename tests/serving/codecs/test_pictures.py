"""Pictures out of requests, of the native routes and of Open Inference V2."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import numpy as np
import pytest

from modelport.core.manifest import Validation
from modelport.core.signature import Field, Signature
from modelport.errors import BadRequest, InvalidInput, ModelportError, TooLarge
from modelport.serving.codecs.pictures import MOST, Pictures
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.v2 import Requests

IMAGE = Field("image", "BYTES", (-1,))
SIGNATURE = Signature("image", (IMAGE,), ())
DATA = bytes(range(256))
B64 = base64.b64encode(DATA).decode()


def native(document: Any) -> Any:
    raw = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return Pictures(SIGNATURE).decode(msgspec.Raw(raw))


def test_one_picture_and_a_list_of_them() -> None:
    one = native({"b64": B64})
    assert one.single
    assert one.batch.array("image").tolist() == [DATA]
    many = native([{"b64": B64}, {"b64": ""}])
    assert not many.single
    assert many.batch.array("image").tolist() == [DATA, b""]
    assert many.keys == 2


def test_a_bad_item_in_a_list_fails_alone() -> None:
    found = native([{"b64": B64}, {"b64": "***"}, {"other": 1}, 3, {"b64": B64}])
    assert found.total == 5
    assert found.batch.rows == 2
    assert {place: error.code for place, error in found.errors.items()} == {
        1: "bad-base64",
        2: "invalid-item",
        3: "invalid-item",
    }


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ([], "no-rows"),
        ({"b64": "a"}, "bad-base64"),
        ({"b64": "ä"}, "bad-base64"),
        ({"b64": 3}, "invalid-item"),
        ({"b64": B64, "more": 1}, "invalid-item"),
        ("text", "invalid-item"),
        ([{"b64": "*"}, {"b64": "*"}], "no-valid-item"),
        (b"{", "malformed-json"),
        ([{"b64": ""}] * (MOST + 1), "too-many-rows"),
    ],
)
def test_what_cannot_be_understood_is_refused(document: Any, code: str) -> None:
    with pytest.raises(ModelportError) as caught:
        native(document)
    assert caught.value.code == code


def requests() -> Requests:
    return Requests((IMAGE,), ("label",), Rules(Validation(max_length=3)), pictures=True)


def binary(*pictures: bytes, rows: int = 0) -> tuple[bytes, bytes]:
    tail = b"".join(len(each).to_bytes(4, "little") + each for each in pictures)
    tensor = {"name": "image", "datatype": "BYTES", "shape": [rows or len(pictures)]}
    head = msgspec.json.encode({"inputs": [tensor | {"parameters": {"binary_data_size": len(tail)}}]})
    return head + tail, str(len(head)).encode()


def test_a_binary_tensor_holds_the_bytes_themselves() -> None:
    found = requests().decode(*binary(DATA, b"\xff\xfe"))
    assert found.batch.array("image").tolist() == [DATA, b"\xff\xfe"]


def test_a_tensor_of_json_holds_base64() -> None:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [2], "data": [B64, B64]}
    found = requests().decode(msgspec.json.encode({"inputs": [tensor]}), None)
    assert found.batch.array("image").tolist() == [DATA, DATA]


def test_a_raw_body_is_one_picture() -> None:
    assert requests().decode(DATA, b"0").batch.array("image").tolist() == [DATA]


@pytest.mark.parametrize(
    ("data", "error"),
    [(["***"], InvalidInput), ([None], BadRequest), ([3], BadRequest), ([B64] * 300, TooLarge)],
)
def test_a_tensor_without_pictures_is_refused(data: list[Any], error: type[ModelportError]) -> None:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(data)], "data": data}
    with pytest.raises(error):
        requests().decode(msgspec.json.encode({"inputs": [tensor]}), None)


def test_too_many_pictures_in_a_binary_tensor_are_refused() -> None:
    with pytest.raises(TooLarge):
        requests().decode(*binary(*[b"x"] * (MOST + 1)))


def test_texts_are_still_texts() -> None:
    """The same tensor for a model of texts is UTF-8, and held to its rules."""
    texts = Requests((Field("text", "BYTES", (-1,)),), ("label",), Rules(Validation()))
    body, length = binary("naïve".encode())
    decoded = texts.decode(body.replace(b'"image"', b'"text" '), length)
    assert decoded.batch.array("text").tolist() == ["naïve"]
    assert np.array_equal(decoded.batch.array("text").shape, (1,))
