"""What a picture says it is, read from its first bytes: nothing is decoded, nothing is allocated.

Sizes are where the formats put them: PNG (ISO/IEC 15948), JPEG (ITU-T T.81, B.2), GIF89a, WebP (RFC 9649),
and the BITMAPINFOHEADER of BMP.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modelport.runtimes.image.spec import Format

_MOST_PARTS = 4096
"""Markers of a JPEG, blocks of a GIF, walked before the size is found."""

_MOST_SCANS = 64
"""Scans of a JPEG. Each goes over all pixels again: few bytes could keep a decoder busy for hours."""


@dataclass(frozen=True, slots=True)
class Header:
    """Kind and size of a picture."""

    format: Format
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """How many there are to decode."""
        return self.width * self.height


def read(data: bytes) -> Header | None:
    """The header of a picture; None when it is none that we know, or its header is broken."""
    for magic, (form, size) in _FORMATS.items():
        if data.startswith(magic):
            try:
                width, height = size(data)
            except (struct.error, IndexError, ValueError):
                return None
            return Header(form, width, height) if width > 0 and height > 0 else None
    return None


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise ValueError
    return _pair(">II", data, 16)


def _gif(data: bytes) -> tuple[int, int]:
    """The larger of the screen and the first frame, which may lie outside of it."""
    width, height = _pair("<HH", data, 6)
    at = 13 + _table(data[10])
    for _ in range(_MOST_PARTS):
        if data[at] == 0x2C:  # the first frame
            left, top, across, down = struct.unpack_from("<HHHH", data, at + 1)
            return max(width, left + across), max(height, top + down)
        if data[at] != 0x21:  # an extension
            break
        at = _after_blocks(data, at + 2)
    raise ValueError


def _table(flags: int) -> int:
    """Bytes of the colour table that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    for _ in range(_MOST_PARTS):
        length = data[at]
        at += 1 + length
        if not length:
            return at
    raise ValueError


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        return _pair("<HH", data, 18)
    width, height = _pair("<ii", data, 18)
    return width, abs(height)


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"WEBPVP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"WEBPVP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError


def _jpeg(data: bytes) -> tuple[int, int]:
    if data.count(b"\xff\xda") > _MOST_SCANS:
        raise ValueError
    at = 2
    for _ in range(_MOST_PARTS):
        if data[at] != 0xFF:
            raise ValueError
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = _pair(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers that stand alone
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame, of every coding; the three others among these numbers are tables."""


def _pair(form: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, at)
    return int(first), int(second)


_FORMATS: Mapping[bytes, tuple[Format, Callable[[bytes], tuple[int, int]]]] = {
    b"\xff\xd8\xff": ("JPEG", _jpeg),
    b"\x89PNG\r\n\x1a\n": ("PNG", _png),
    b"GIF87a": ("GIF", _gif),
    b"GIF89a": ("GIF", _gif),
    b"RIFF": ("WEBP", _webp),
    b"BM": ("BMP", _bmp),
}
