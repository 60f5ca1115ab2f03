"""What a picture says it is, before any decoder sees it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtimes.image.pictures import noise, png, saved

from modelport.runtimes.image import header
from modelport.runtimes.image.header import Header

SIDES = st.integers(1, 60)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@given(width=SIDES, height=SIDES)
@settings(max_examples=15, deadline=None)
def test_kind_and_size_are_those_of_the_file(form: str, width: int, height: int) -> None:
    data = saved(noise(height, width), form)
    assert header.read(data) == Header(form, width, height)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0II*\0" + bytes(40)}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(30_000)}),
        ("GIF", {"comment": b"x" * 2000}),
        ("PNG", {"optimize": True}),
    ],
)
def test_every_way_to_write_a_format_is_read(form: str, options: dict[str, object]) -> None:
    assert header.read(saved(noise(21, 34), form, **options)) == Header(form, 34, 21)  # type: ignore[arg-type]


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"RIFF", b"BM", b"\x89PNG\r\n\x1a\n"]),
)
@settings(max_examples=300)
def test_no_bytes_are_more_than_no_picture(data: bytes, magic: bytes) -> None:
    """Whatever it is, the answer is a header with a size, or none."""
    found = header.read(magic + data)
    assert found is None or found.pixels > 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ\x90\x00" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7" + bytes(100),
        b"II*\x00" + bytes(100),
        b"II*\x00\x10\x00\x00\x00CR" + bytes(100),
        png(0, 10),
        b"\xff\xd8\xff\xe0" + b"\xff" * 10_000,
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 100_000,
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00" + b"!\xfe\x01x\x00" * 100_000,
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00!\xfe" + b"\x01x" * 100_000,
        saved(noise(9, 9), "JPEG") + b"\xff\xda" * 65,
    ],
    ids=range(12),
)
def test_what_is_no_picture_or_walks_too_far_has_no_header(data: bytes) -> None:
    assert header.read(data) is None


def test_a_frame_outside_of_the_screen_counts() -> None:
    """A GIF of one pixel whose first frame is as large as a GIF can be."""
    frame = b"," + struct.pack("<HHHH", 0, 0, 65535, 65535) + b"\x00"
    data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame
    assert header.read(data) == Header("GIF", 65535, 65535)
