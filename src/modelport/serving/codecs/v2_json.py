"""Tensors of the Open Inference Protocol V2 that stand in JSON: flat or nested lists into arrays."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np

from modelport.errors import BadRequest
from modelport.runtimes.batch import Array
from modelport.serving.codecs.json import decode
from modelport.serving.codecs.tensors import NUMPY, shaped

_ELEMENT: dict[str, Any] = {"b": bool, "u": int, "i": int, "f": float | None, "O": str | None}
"""What stands for one element, by kind of dtype. Only floats and texts have a way to say "missing"."""
_MAX_RANK = 8


def from_json(name: str, dtype: str, shape: list[int], data: msgspec.Raw, *, missing: bool = False) -> Array:
    """The array that JSON `data`, flat or nested, spells; raises `BadRequest` when it does not fit.

    Numbers must lie in the range of `dtype`; a float is never cut to an integer. With `missing`, null is NaN
    among floats and None among texts; without it null is refused.
    """
    kind = NUMPY.get(dtype)
    if kind is None:
        msg = f"{name!r} has the unknown datatype {dtype[:40]!r}"
        raise BadRequest(msg, code="unknown-datatype", hint="one of " + ", ".join(NUMPY))
    values = decode(_decoder(kind.kind, _rank(data)), data)
    try:
        array = np.array(values, kind)
    except (OverflowError, ValueError) as error:
        raise _no_array(name, dtype, error) from None
    if not missing and _holds_null(array):
        msg = f"{name!r} holds null, and the model knows no missing value there"
        raise BadRequest(msg, code="null-element", hint="send a value for every element")
    return shaped(name, array, shape)


def _holds_null(array: Array) -> bool:
    """Whether an element was null: JSON has no NaN, so that every NaN was one."""
    if array.dtype.kind == "f":
        return bool(np.isnan(array).any())
    return array.dtype.kind == "O" and None in array.reshape(-1).tolist()


def _no_array(name: str, dtype: str, error: Exception) -> BadRequest:
    if isinstance(error, OverflowError):
        msg = f"{name!r} holds a number outside the range of {dtype}"
        return BadRequest(msg, code="out-of-range")
    msg = f"{name!r} holds nested lists of different lengths"
    return BadRequest(msg, code="shape-mismatch", hint="every row needs the same number of values")


def _rank(data: msgspec.Raw) -> int:
    head = bytes(memoryview(data)[:64])
    rank = 0
    for byte in head:
        if byte == 0x5B:
            rank += 1
        elif byte not in b" \t\r\n":
            break
    if rank > _MAX_RANK:
        msg = f"data nests {rank} deep, the limit is {_MAX_RANK}"
        raise BadRequest(msg, code="json-too-deep")
    return max(rank, 1)


@cache
def _decoder(kind: str, rank: int) -> msgspec.json.Decoder[Any]:
    shape: Any = _ELEMENT[kind]
    for _ in range(rank):
        shape = list[shape]
    return msgspec.json.Decoder(shape)
