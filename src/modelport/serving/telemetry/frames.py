"""The form of an event on disk: a file header, then frames that each prove themselves.

    file  = "MPSPOOL" + version byte, frame*
    frame = length u32 | events u32 | payloads u32 | CRC-32 u32 of the three and the body | body

Integers are little-endian. A body is msgpack: a list of records. Records of a batch stay columnar, as the
event loop noted them; the reader expands them. A frame is written with one call, so what a crash leaves is
whole frames and at most one torn tail. Nothing here trusts a length before it has compared it.

Version 2 has predictions and users, each behind what version 1 had: records of version 1 are read as records
without them. To raise VERSION by more than that: keep `expand` of the old one, choose by the version in the
header. A file of every old version is kept as a test.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from modelport.core.telemetry import Outcome, PayloadEvent, Prediction, PredictionEvent

VERSION = 2
_MAGIC = b"MPSPOOL"
FILE_HEADER = _MAGIC + bytes([VERSION])
_READABLE = frozenset(_MAGIC + bytes([version]) for version in (1, VERSION))
MAX_BODY = 16 * 1024 * 1024
"""No frame is longer; a longer length is damage."""

_COUNTS = struct.Struct("<III")
_HEAD = struct.Struct("<IIII")


class Columns(msgspec.Struct, frozen=True, array_like=True, tag="b", gc=False):
    """The events of one executed batch, one column per attribute of `PredictionEvent`.

    Unknown to the garbage collector, which would else run because of them: they hold no cycles.
    """

    slot: str
    at: int
    protocol: str
    ids: list[str]
    latencies: list[int]
    rows: list[int]
    outcomes: list[Outcome] | Outcome
    confidences: list[float | None]
    predictions: list[tuple[Prediction, ...]] | None = None
    users: list[str] | None = None

    @property
    def events(self) -> int:
        """How many events it is."""
        return len(self.ids)

    @property
    def payload_bytes(self) -> int:
        """Size of the payload it is, in bytes."""
        return 0


class Single(msgspec.Struct, frozen=True, array_like=True, tag="e", gc=False):
    """One event that belongs to no batch, such as a refusal."""

    event: PredictionEvent

    @property
    def events(self) -> int:
        """How many events it is."""
        return 1

    @property
    def payload_bytes(self) -> int:
        """Size of the payload it is, in bytes."""
        return 0


class Payload(msgspec.Struct, frozen=True, array_like=True, tag="p", gc=False):
    """One sampled payload, encoded when it was noted so that what waits is measured in bytes."""

    event: msgspec.Raw

    @property
    def events(self) -> int:
        """How many events it is: a payload goes beside its event."""
        return 0

    @property
    def payload_bytes(self) -> int:
        """Size of the payload it is, in bytes."""
        return len(self.event)


Record = Columns | Single | Payload


class FrameError(Exception):
    """A frame that does not hold, and everything behind it in its file.

    Attributes:
        file: name of the file, without its folder.
        offset: where the first byte that cannot be trusted stands.
        reason: what does not hold.
    """

    def __init__(self, offset: int, reason: str, file: str = "") -> None:
        super().__init__(f"{file or 'spool file'} cannot be read from byte {offset} on: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason


class Frame(msgspec.Struct, frozen=True):
    """One frame as it stands in a file; `end` is the offset behind it."""

    events: int
    payloads: int
    body: bytes
    end: int


_encoder = msgspec.msgpack.Encoder()
_records = msgspec.msgpack.Decoder(list[Record])
_payload = msgspec.msgpack.Decoder(PayloadEvent)


def encode(records: list[Record], events: int, payloads: int) -> bytes:
    """One whole frame. Raises `ValueError` or `TypeError` for records that msgpack cannot carry."""
    body = _encoder.encode(records)
    if len(body) > MAX_BODY:
        msg = f"a frame of {len(body)} bytes is longer than {MAX_BODY}"
        raise ValueError(msg)
    counts = _COUNTS.pack(len(body), events, payloads)
    return counts + _checksum(counts, body).to_bytes(4, "little") + body


def frames(file: BinaryIO, start: int = 0) -> Iterator[Frame]:
    """The whole frames of a file; raises `FrameError` where they end too early.

    From its beginning, or from `start`, the `end` of a frame.
    """
    if file.read(len(FILE_HEADER)) not in _READABLE:
        raise FrameError(0, "not a spool file of this version")
    offset = file.seek(start) if start else len(FILE_HEADER)
    while head := file.read(_HEAD.size):
        frame = _frame(file, head, offset)
        offset = frame.end
        yield frame


def whole(data: bytes) -> int:
    """How many bytes of `data`, which begins where a frame does, are whole frames that hold."""
    end = 0
    while len(data) - end >= _HEAD.size:
        length, _, _, crc = _HEAD.unpack_from(data, end)
        body = data[end + _HEAD.size : end + _HEAD.size + length]
        counts = data[end : end + _COUNTS.size]
        if length > MAX_BODY or len(body) < length or _checksum(counts, body) != crc:
            break
        end += _HEAD.size + length
    return end


def expand(frame: Frame, start: int) -> Iterator[PredictionEvent | PayloadEvent]:
    """The events of a frame in the order they were noted; raises `FrameError` at `start`."""
    try:
        records = _records.decode(frame.body)
        yield from [event for record in records for event in _events(record)]
    except (msgspec.MsgspecError, ValueError) as error:
        raise FrameError(start, "records that do not fit together") from error


def _frame(file: BinaryIO, head: bytes, offset: int) -> Frame:
    if len(head) < _HEAD.size:
        raise FrameError(offset, "a torn frame header")
    length, events, payloads, crc = _HEAD.unpack(head)
    if length > MAX_BODY:
        raise FrameError(offset, "an impossible frame length")
    body = file.read(length)
    if len(body) < length:
        raise FrameError(offset, "a torn frame")
    if _checksum(head[: _COUNTS.size], body) != crc:
        raise FrameError(offset, "a checksum that does not hold")
    return Frame(events, payloads, body, offset + _HEAD.size + length)


def _events(record: Record) -> Iterable[PredictionEvent | PayloadEvent]:
    match record:
        case Columns():
            return _rows(record)
        case Single():
            return (record.event,)
        case Payload():
            return (_payload.decode(record.event),)


def _rows(batch: Columns) -> Iterator[PredictionEvent]:
    outcomes = batch.outcomes if isinstance(batch.outcomes, list) else [batch.outcomes] * len(batch.ids)
    count = len(batch.ids)
    predictions = batch.predictions if batch.predictions is not None else [()] * count
    users = batch.users if batch.users is not None else [""] * count
    columns = (batch.ids, batch.latencies, batch.rows, outcomes, batch.confidences, predictions, users)
    for name, latency, rows, outcome, confidence, told, user in zip(*columns, strict=True):
        yield PredictionEvent(
            name, batch.slot, batch.at, latency, rows, outcome, confidence, batch.protocol, False, told, user
        )


def _checksum(counts: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(counts))
