"""The table of contents of a zip file, read with our own eyes.

A zip's central directory is a claim, not a fact: counts, sizes and offsets are the author's words. This
reads it within fixed bounds and refuses what no honest bundle needs: encryption, several disks, entries that
overlap each other, local headers that disagree with the directory. Nothing is decompressed here.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from modelport.errors import BundleCorrupt, BundleRefused

MAX_ENTRIES = 10_000
_MAX_DIRECTORY = MAX_ENTRIES * 1024
_END = struct.Struct("<4s4H2LH")
_END64_AT = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_UNSET = 0xFFFFFFFF
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as the directory claims it; `data` is where its bytes start, `packed` how many they are."""

    name: bytes
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    system: int
    header: int
    data: int = 0


@dataclass(frozen=True, slots=True)
class _End:
    entries: int
    size: int
    offset: int


def read_directory(descriptor: int) -> tuple[Entry, ...]:
    """The entries of the zip file behind `descriptor`, in directory order, checked against each other.

    Raises `BundleRefused` (`archive-format`, `archive-entries`, `archive-overlap`) or `BundleCorrupt`
    (`archive-corrupt`).
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        msg = "this is not a zip archive"
        raise BundleRefused(msg, code="archive-format")
    end = _find_end(descriptor, status.st_size)
    if end.entries > MAX_ENTRIES or end.size > _MAX_DIRECTORY:
        msg = f"the archive has more than {MAX_ENTRIES} entries"
        raise BundleRefused(msg, code="archive-entries")
    table = _exactly(descriptor, end.size, end.offset)
    entries = tuple(_with_data(descriptor, entry) for entry in _entries(table))
    if len(entries) != end.entries:
        msg = "the archive's directory does not hold the number of entries it declares"
        raise _corrupt(msg)
    _refuse_overlap(entries, end.offset)
    return entries


def _find_end(descriptor: int, length: int) -> _End:
    span = min(length, 65_535 + _END.size)
    tail = os.pread(descriptor, span, length - span)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        msg = "this is not a zip archive"
        raise BundleRefused(msg, code="archive-format")
    _, disk, first, here, total, size, offset, comment = _END.unpack_from(tail, at)
    if len(tail) - at - _END.size != comment:
        msg = "there are bytes behind the end of the archive"
        raise _corrupt(msg)
    if disk or first or here != total:
        msg = "archives over several disks are not read"
        raise BundleRefused(msg, code="archive-format")
    if _UNSET in (size, offset) or total == 0xFFFF:
        return _find_end64(descriptor, length - span + at)
    return _End(total, size, offset)


def _find_end64(descriptor: int, end: int) -> _End:
    _, disk, at, disks = _unpack(_END64_AT, descriptor, end - _END64_AT.size, b"PK\x06\x07")
    fields = _unpack(_END64, descriptor, at, b"PK\x06\x06")
    here, total, size, offset = fields[6:]
    if disk or disks != 1 or here != total:
        msg = "archives over several disks are not read"
        raise BundleRefused(msg, code="archive-format")
    return _End(total, size, offset)


def _entries(table: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(table):
        if len(table) - at < _CENTRAL.size or table[at : at + 4] != b"PK\x01\x02":
            msg = "the archive's directory is damaged"
            raise _corrupt(msg)
        fields = _CENTRAL.unpack_from(table, at)
        name_at = at + _CENTRAL.size
        names, extras, comments = fields[10:13]
        stop = name_at + names + extras + comments
        if stop > len(table):
            msg = "the archive's directory is damaged"
            raise _corrupt(msg)
        yield _entry(fields, table[name_at : name_at + names], table[name_at + names : stop - comments])
        at = stop


def _entry(fields: tuple[int, ...], name: bytes, extra: bytes) -> Entry:
    made_by, flags, method, crc, packed, size = fields[1], fields[3], fields[4], *fields[7:10]
    attributes, header = fields[15:17]
    if flags & _ENCRYPTED:
        msg = "encrypted archives are not read"
        raise BundleRefused(msg, code="archive-format")
    if _UNSET in (packed, size, header):
        size, packed, header = _wide(extra, size, packed, header)
    return Entry(name, method, crc, packed, size, attributes, made_by >> 8, header)


def _wide(extra: bytes, *values: int) -> list[int]:
    """The zip64 values: those that read 0xFFFFFFFF, in order, from the extra field 0x0001."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + size]
            wide = iter(struct.unpack_from(f"<{len(body) // 8}Q", body))
            return [_next_wide(wide) if value == _UNSET else value for value in values]
        at += 4 + size
    msg = "the archive's zip64 fields are missing"
    raise _corrupt(msg)


def _next_wide(values: Iterator[int]) -> int:
    value = next(values, None)
    if value is None:
        msg = "the archive's zip64 fields are missing"
        raise _corrupt(msg)
    return value


def _with_data(descriptor: int, entry: Entry) -> Entry:
    fields = _unpack(_LOCAL, descriptor, entry.header, b"PK\x03\x04")
    names, extras = fields[9:11]
    at = entry.header + _LOCAL.size
    if _exactly(descriptor, names, at) != entry.name or fields[3] != entry.method:
        msg = "the archive's local headers disagree with its directory"
        raise _corrupt(msg)
    return replace(entry, data=at + names + extras)


def _refuse_overlap(entries: tuple[Entry, ...], directory: int) -> None:
    spans = sorted((entry.header, entry.data + entry.packed) for entry in entries)
    spans.append((directory, directory))
    for (_, stop), (start, _) in pairwise(spans):
        if stop > start:
            msg = "entries of the archive overlap"
            raise BundleRefused(msg, code="archive-overlap")


def _unpack(shape: struct.Struct, descriptor: int, at: int, magic: bytes) -> tuple[int, ...]:
    fields = shape.unpack(_exactly(descriptor, shape.size, at))
    if fields[0] != magic:
        msg = "the archive points to a place without a header"
        raise _corrupt(msg)
    return fields


def _exactly(descriptor: int, count: int, at: int) -> bytes:
    # Offsets are claims too: a negative or huge one is corruption, not an OverflowError.
    data = os.pread(descriptor, count, at) if 0 <= at < 1 << 62 else b""
    if len(data) != count:
        msg = "the archive ends too early"
        raise _corrupt(msg)
    return data


def _corrupt(message: str) -> BundleCorrupt:
    return BundleCorrupt(message, code="archive-corrupt")
