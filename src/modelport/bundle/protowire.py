"""The protobuf wire format, read without a schema and without copying.

Only what a scanner needs: walk the fields of a message, with every length checked before it is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from modelport.errors import BundleCorrupt

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a byte string: `data[start:stop]`, not copied until asked."""

    data: bytes
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def bytes(self) -> bytes:
        """A copy of the part."""
        return self.data[self.start : self.stop]

    def text(self) -> str:
        """The part as UTF-8 text. Raises `BundleCorrupt` (`onnx-corrupt`)."""
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise corrupt() from None


Value = int | Span
"""A varint as an unsigned number, everything else as the span of its bytes."""


def whole(data: bytes) -> Span:
    """All of `data` as one message."""
    return Span(data, 0, len(data))


def fields(message: Span, skip: re.Pattern[bytes] | None = None) -> Iterator[tuple[int, int, Value]]:
    """The fields of a message as (number, wire type, value), in order.

    `skip` matches runs of whole fields that the caller does not want to see; long runs of scalars are then
    passed over at the speed of the regular expression. Raises `BundleCorrupt` (`onnx-corrupt`).
    """
    data, at, stop = message.data, message.start, message.stop
    while at < stop:
        if skip is not None and (run := skip.match(data, at, stop)) is not None:
            at = run.end()
            continue
        tag, at = _varint(data, at, stop)
        number, wire = tag >> 3, tag & 7
        value, at = _value(data, at, stop, wire)
        if number == 0:
            raise corrupt()
        yield number, wire, value


def varints(packed: Span) -> Iterator[int]:
    """The numbers of a packed repeated field."""
    at = packed.start
    while at < packed.stop:
        value, at = _varint(packed.data, at, packed.stop)
        yield value


def signed(value: int) -> int:
    """A varint read as int64."""
    return value - (1 << 64) if value >> 63 else value


def corrupt() -> BundleCorrupt:
    """The one error of this file: the bytes are not a well-formed message."""
    return BundleCorrupt("the ONNX graph is damaged", code="onnx-corrupt", hint="export the model again")


def _value(data: bytes, at: int, stop: int, wire: int) -> tuple[Value, int]:
    if wire == VARINT:
        return _varint(data, at, stop)
    if wire == BYTES:
        size, at = _varint(data, at, stop)
    elif wire in (FIXED32, FIXED64):
        size = 4 if wire == FIXED32 else 8
    else:  # groups are not part of the format we read
        raise corrupt()
    if size > stop - at:
        raise corrupt()
    return Span(data, at, at + size), at + size


def _varint(data: bytes, at: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    last = min(stop, at + _MAX_VARINT)
    while at < last:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise corrupt()
