"""Which way up a picture was taken: tag 274 of its Exif block (CIPA DC-008), and nothing else of it."""

from __future__ import annotations

import struct

_TAG = 274
_SHORT = 3
_MOST_ENTRIES = 512


def orientation(exif: bytes) -> int:
    """The orientation, 1 to 8; 1 (upright) where there is none or the block is broken."""
    block = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None:
        return 1
    try:
        found = _entry(block, order)
    except struct.error:
        return 1
    return found if 1 <= found <= 8 else 1


def _entry(block: bytes, order: str) -> int:
    (at,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, at)
    for place in range(min(count, _MOST_ENTRIES)):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", block, at + 2 + 12 * place)
        if tag == _TAG and kind == _SHORT:
            return int(value)
    return 1
