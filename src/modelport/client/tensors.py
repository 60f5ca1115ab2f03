"""The binary tensor extension of Open Inference V2: little-endian, row-major, no padding."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from modelport.core.signature import DType
from modelport.errors import InvalidInput, ModelportError
from modelport.runtimes.batch import Array

_TEXT: DType = "BYTES"
_DTYPES: dict[str, str] = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_NAMES: dict[np.dtype[Any], DType] = {np.dtype(text): name for name, text in _DTYPES.items()}  # type: ignore[misc]


def encode(inputs: Mapping[str, Array]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Descriptions for the JSON part, and the bytes of each tensor in the same order.

    Raises `InvalidInput` for a dtype that Open Inference has no name for.
    """
    described, payload = [], []
    for name, given in inputs.items():
        array = np.asarray(given)
        dtype, data = _packed(name, array)
        parameters = {"binary_data_size": len(data)}
        described.append({"name": name, "shape": array.shape, "datatype": dtype, "parameters": parameters})
        payload.append(data)
    return described, payload


def decode(datatype: str, shape: Sequence[int], data: memoryview) -> Array:
    """One tensor from its bytes; raises `ModelportError` (code `bad-answer`) when they do not fit."""
    if datatype == _TEXT:
        return _texts(list(_elements(data)), shape)
    dtype = _known(datatype)
    if len(data) != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise _misfit(datatype, shape)
    return np.frombuffer(data, dtype).reshape(shape)


def from_json(datatype: str, shape: Sequence[int], data: list[Any]) -> Array:
    """One tensor from JSON data, nested or flat."""
    if datatype == _TEXT:
        return _texts(_flat(data), shape)
    dtype = _known(datatype)
    values = np.array([np.nan if value is None else value for value in _flat(data)], dtype)
    if values.size != int(np.prod(shape, dtype=np.int64)):
        raise _misfit(datatype, shape)
    return values.reshape(shape)


def _packed(name: str, array: Array) -> tuple[DType, bytes]:
    if array.dtype.kind in "OUS":
        return _TEXT, b"".join(_prefixed(name, value) for value in array.ravel())
    little = array.dtype.newbyteorder("<")
    dtype = _NAMES.get(little)
    if dtype is None:
        msg = f"input {name!r} has dtype {array.dtype}, which has no Open Inference name"
        raise InvalidInput(
            msg,
            hint="use bool, int8 to int64, uint8 to uint64, float16 to float64, or text",
        )
    return dtype, array.astype(little, order="C", copy=False).tobytes()


def _prefixed(name: str, value: object) -> bytes:
    if not isinstance(value, str | bytes):
        msg = f"input {name!r} holds a {type(value).__name__} among text"
        raise InvalidInput(msg, hint="an object array may hold only str and bytes")
    data = value.encode("utf-8") if isinstance(value, str) else bytes(value)
    return struct.pack("<I", len(data)) + data


def _elements(data: memoryview) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise _misfit(_TEXT, ())
        (size,) = struct.unpack_from("<I", data, at)
        at += 4 + size
        if at > len(data):
            raise _misfit(_TEXT, ())
        yield bytes(data[at - size : at])


def _texts(values: Sequence[object], shape: Sequence[int]) -> Array:
    """Text as `str`; bytes that are no UTF-8 survive as surrogates, so that nothing is lost."""
    flat = np.empty(len(values), object)
    flat[:] = [
        value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value for value in values
    ]
    if flat.size != int(np.prod(shape, dtype=np.int64)):
        raise _misfit(_TEXT, shape)
    return flat.reshape(shape)


def _flat(data: list[Any]) -> list[Any]:
    while data and isinstance(data[0], list):
        data = list(chain.from_iterable(data))
    return data


def _known(datatype: str) -> np.dtype[Any]:
    if datatype not in _DTYPES:
        raise _misfit(datatype, ())
    return np.dtype(_DTYPES[datatype])


def _misfit(datatype: str, shape: Sequence[int]) -> ModelportError:
    return ModelportError(
        f"the answer's {datatype} tensor does not fit its shape {list(shape)}",
        code="bad-answer",
        hint="check that client and server speak the same version of the protocol",
    )
