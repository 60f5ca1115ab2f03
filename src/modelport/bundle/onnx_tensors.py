"""Tensors inside an ONNX graph: do the bytes that are there fit the shape that is claimed?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelport.bundle.protowire import (
    BYTES,
    FIXED32,
    FIXED64,
    Span,
    Value,
    corrupt,
    fields,
    signed,
    varints,
)
from modelport.errors import BundleCorrupt, BundleRefused

MAX_ELEMENTS = 1 << 32
"""Most elements any one tensor may claim."""

_DIMS, _TYPE, _SEGMENT, _RAW, _NAME, _EXTERNAL, _LOCATION, _STRINGS = 1, 2, 3, 9, 8, 13, 14, 6
_TYPED = {4: 4, 5: 0, 7: 0, 10: 8, 11: 0}
"""Fields that hold typed data: bytes per element, 0 for varints (at least one byte each)."""

_STRING = 8
_BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128,
    16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}  # fmt: skip
"""Bits per element by TensorProto.DataType."""

SIBLING = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class External:
    """Where a tensor's bytes lie outside the graph: a sibling file, from `offset`, `length` bytes."""

    location: str
    offset: int
    length: int


@dataclass(slots=True)
class _Tensor:
    dims: list[int] = field(default_factory=list)
    kind: int = 0
    raw: int | None = None
    typed: int = 0
    at_least: int = 0
    strings: int = 0
    external: dict[str, str] = field(default_factory=dict)
    outside: bool = False


def elements(dims: Iterable[int]) -> int:
    """Product of `dims`, checked. Raises `BundleRefused` (`onnx-tensor-size`) for negatives and giants."""
    count = 1
    for dim in dims:
        if not 0 <= dim <= MAX_ELEMENTS:
            raise _size()
        count *= dim
        if count > MAX_ELEMENTS:
            raise _size()
    return count


def check_tensor(message: Span) -> External | None:
    """Check one TensorProto; answers where its bytes are when they are outside the graph.

    Raises `BundleRefused` (`onnx-tensor-size`, `onnx-external-data`) or `BundleCorrupt` (`onnx-corrupt`,
    `onnx-tensor-bytes`).
    """
    tensor = _read(message)
    if tensor.kind not in _BITS and tensor.kind != _STRING:
        raise corrupt()
    count = elements(tensor.dims)
    if tensor.outside or tensor.external:
        return _external(tensor, _bytes(tensor.kind, count))
    if not _fits(tensor, count):
        msg = "a tensor's bytes do not fit its shape"
        raise BundleCorrupt(msg, code="onnx-tensor-bytes")
    return None


def _read(message: Span) -> _Tensor:
    tensor = _Tensor()
    for number, wire, value in fields(message):
        _take(tensor, number, wire, value)
    return tensor


def _take(tensor: _Tensor, number: int, wire: int, value: Value) -> None:
    if isinstance(value, int):
        _take_number(tensor, number, value)
    elif number == _DIMS and wire == BYTES:
        tensor.dims.extend(signed(dim) for dim in varints(value))
    elif number == _RAW and wire == BYTES:
        if tensor.raw is not None:  # two of them: readers disagree which one counts
            raise corrupt()
        tensor.raw = len(value)
    elif number == _STRINGS:
        tensor.strings += 1
    elif number == _EXTERNAL:
        _take_entry(tensor.external, value)
    elif number == _SEGMENT:
        raise corrupt()
    elif number in _TYPED:
        _take_typed(tensor, number, wire, value)


def _take_number(tensor: _Tensor, number: int, value: int) -> None:
    if number == _DIMS:
        tensor.dims.append(signed(value))
    elif number == _TYPE:
        tensor.kind = value
    elif number == _LOCATION:
        tensor.outside = tensor.outside or value != 0
    elif number in _TYPED:
        tensor.at_least += 1


def _take_typed(tensor: _Tensor, number: int, wire: int, value: Span) -> None:
    size = _TYPED[number]
    if not size and wire == BYTES:
        tensor.at_least += len(value)
    elif (size, wire) in {(4, FIXED32), (8, FIXED64)} or (size and wire == BYTES and len(value) % size == 0):
        tensor.typed += len(value) // size
    else:
        raise corrupt()


def _take_entry(entries: dict[str, str], message: Span) -> None:
    texts = {number: value.text() for number, _, value in fields(message) if isinstance(value, Span)}
    if texts.get(1, "") in entries:
        msg = "names a place twice"
        raise outside(msg)
    entries[texts.get(1, "")] = texts.get(2, "")


def _fits(tensor: _Tensor, count: int) -> bool:
    if tensor.kind == _STRING:
        return tensor.strings == count and tensor.raw is None
    if tensor.raw is not None:
        return tensor.raw == _bytes(tensor.kind, count)
    if tensor.typed:
        return tensor.typed == count * (2 if tensor.kind in {14, 15} else 1)
    # Varints take one to ten bytes each and small types may share one, so this bounds and does not equal.
    packed = max(1, 32 // _BITS[tensor.kind]) if _BITS[tensor.kind] < 8 else 1
    return math.ceil(count / packed) <= tensor.at_least <= 10 * max(count, 1)


def _bytes(kind: int, count: int) -> int:
    return math.ceil(_BITS.get(kind, 0) * count / 8)


def _external(tensor: _Tensor, size: int) -> External:
    location = tensor.external.get("location", "")
    if SIBLING.fullmatch(location) is None or location in {".", ".."}:
        msg = "is not a plain file name beside the graph"
        raise outside(msg)
    offset, length = (
        _number(tensor.external.get(key), default) for key, default in (("offset", 0), ("length", size))
    )
    if length != size or tensor.kind == _STRING or tensor.raw:
        msg = "does not fit the tensor's shape"
        raise outside(msg)
    return External(location, offset, length)


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        msg = "has an offset or length that is no number"
        raise outside(msg)
    return int(text)


def _size() -> BundleRefused:
    return BundleRefused(f"a tensor claims more than {MAX_ELEMENTS} elements", code="onnx-tensor-size")


def outside(what: str) -> BundleRefused:
    """The refusal of tensors whose bytes are not where they may be; `what` completes the sentence."""
    return BundleRefused(
        f"the graph's external data {what}",
        code="onnx-external-data",
        hint="save the model with its weights inside (onnx.save_model(..., save_as_external_data=False))",
    )
