"""Arrays by Open Inference dtype: shapes, fit, bytes. Nothing is allocated from a declared size."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from modelport.core.signature import Field
from modelport.errors import BadRequest
from modelport.runtimes.batch import Array
from modelport.serving.results import all_finite

NUMPY: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}


def shaped(name: str, array: Array, shape: list[int]) -> Array:
    """The array in its declared shape; raises `BadRequest` when the element count differs."""
    count = 1
    for size in shape:
        if size < 0:
            msg = f"{name!r} declares the negative size {size}"
            raise BadRequest(msg, code="shape-mismatch", hint="give the real size of every dimension")
        count *= size
    if array.size != count:
        msg = f"{name!r} declares {count} elements (shape {shape}) and brings {array.size}"
        raise BadRequest(msg, code="shape-mismatch")
    if array.ndim > 1 and list(array.shape) != shape:
        msg = f"{name!r} declares the shape {shape} and brings {list(array.shape)}"
        raise BadRequest(msg, code="shape-mismatch")
    return array.reshape(shape)


def fit(field: Field, dtype: str, array: Array) -> Array:
    """The array as the model's field takes it; raises `BadRequest` naming what was got and expected.

    Whole numbers and floats of any width become the field's float; narrower integers widen. Nothing else is
    converted: a string is not a number, and a bool is not one either.
    """
    if dtype != field.dtype:
        if not _widens(NUMPY[dtype], NUMPY[field.dtype]):
            msg = f"{field.name!r} is {dtype}, the model takes {field.dtype}"
            raise BadRequest(msg, code="dtype-mismatch", pointer=f"/inputs/{field.name}")
        array = array.astype(NUMPY[field.dtype])
    want = field.shape
    if array.ndim == len(want) + 1 and array.shape[-1] == 1:
        array = array.reshape(array.shape[:-1])
    if array.ndim != len(want) or any(w not in {-1, g} for w, g in zip(want, array.shape, strict=True)):
        msg = f"{field.name!r} has the shape {list(array.shape)}, the model takes {list(want)}"
        raise BadRequest(msg, code="shape-mismatch", pointer=f"/inputs/{field.name}")
    return array


def check_finite(name: str, array: Array, *, missing: bool) -> None:
    """Refuse infinities, and NaN where the field knows no missing value; raises `BadRequest`."""
    if array.dtype.kind != "f" or all_finite(array):
        return
    if missing and not np.isinf(array).any():
        return
    msg = f"{name!r} holds a value that is not finite, or too large for {array.dtype.name}"
    raise BadRequest(msg, code="nonfinite-input", hint="missing values are null, where the model takes them")


def from_bytes(name: str, dtype: str, shape: list[int], data: memoryview, *, text: bool = True) -> Array:
    """The array that little-endian, row-major bytes hold (the binary tensor extension).

    Elements of BYTES become `str`, or stay `bytes` without `text`.
    """
    kind = NUMPY.get(dtype)
    if kind is None:
        msg = f"{name!r} has the unknown datatype {dtype[:40]!r}"
        raise BadRequest(msg, code="unknown-datatype", hint="one of " + ", ".join(NUMPY))
    if kind.kind == "O":
        return shaped(name, _strings(name, data, text=text), shape)
    if len(data) % kind.itemsize:
        msg = f"{name!r} brings {len(data)} bytes, not a multiple of {kind.itemsize} for {dtype}"
        raise BadRequest(msg, code="binary-size")
    return shaped(name, np.frombuffer(data, kind.newbyteorder("<")), shape)


def to_bytes(values: Array | list[Any], dtype: str) -> bytes:
    """Little-endian, row-major bytes of an output tensor."""
    if dtype != "BYTES":
        return np.ascontiguousarray(values, NUMPY[dtype].newbyteorder("<")).tobytes()
    parts = []
    for value in np.asarray(values, object).reshape(-1):
        text = value if isinstance(value, bytes) else str(value).encode()
        parts.append(struct.pack("<I", len(text)) + text)
    return b"".join(parts)


def _strings(name: str, data: memoryview, *, text: bool) -> Array:
    found: list[str | bytes] = []
    at, end = 0, len(data)
    while at < end:
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > end:
            msg = f"{name!r} declares a string of {size} bytes beyond its end"
            raise BadRequest(msg, code="binary-size")
        try:
            element = data[at + 4 : at + 4 + size]
            found.append(str(element, "utf-8") if text else bytes(element))
        except UnicodeDecodeError:
            msg = f"{name!r} holds a string that is not UTF-8"
            raise BadRequest(msg, code="not-utf8") from None
        at += 4 + size
    array = np.empty(len(found), object)
    array[:] = found
    return array


def _widens(have: np.dtype[Any], want: np.dtype[Any]) -> bool:
    if have.kind in "iuf" and want.kind == "f":
        return True
    return have.kind in "iu" and want.kind in "iu" and np.can_cast(have, want)
