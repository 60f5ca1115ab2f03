"""Pictures of every kind, decoded; broken and hostile ones refused before or while they are."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.runtimes.image.pictures import chunk, noise, plain, png, saved

from modelport.errors import InvalidInput
from modelport.runtimes.image.decode import decode
from modelport.runtimes.image.spec import ImageInput

SPEC = ImageInput(size=8)


def colour(data: bytes, spec: ImageInput = SPEC) -> tuple[int, ...]:
    """The pixel in the upper left."""
    pixel = decode(data, spec).getpixel((0, 0))
    return pixel if isinstance(pixel, tuple) else (pixel,)


@pytest.mark.parametrize(
    ("mode", "given", "form", "seen"),
    [
        ("RGB", (10, 20, 30), "PNG", (10, 20, 30)),
        ("L", 77, "PNG", (77, 77, 77)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("P", 0, "PNG", (0, 0, 0)),
        ("RGBA", (10, 20, 30, 0), "PNG", (10, 20, 30)),
        ("LA", (77, 0), "PNG", (77, 77, 77)),
        ("RGBA", (10, 20, 30, 128), "WEBP", (10, 20, 30)),
        ("CMYK", (255, 0, 0, 0), "JPEG", (0, 255, 255)),
        ("L", 100, "JPEG", (100, 100, 100)),
        ("I;16", 0x1234, "PNG", (0x12, 0x12, 0x12)),
    ],
)
def test_every_mode_becomes_eight_bits_of_red_green_and_blue(
    mode: str, given: Any, form: str, seen: tuple[int, ...]
) -> None:
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    found = colour(saved(plain(given, mode=mode), form, **options))
    assert max(abs(a - b) for a, b in zip(found, seen, strict=True)) <= 1


def test_sixteen_bits_of_colour_give_their_high_byte() -> None:
    row = b"\x00" + b"\x12\x34\xab\xcd\x00\xff" * 2
    data = png(2, 1, chunk(b"IDAT", zlib.compress(row)), bits=16)
    assert colour(data) == (0x12, 0xAB, 0x00)


def test_what_is_transparent_shows_the_background_where_there_is_one() -> None:
    spec = ImageInput(size=8, background=(255, 255, 0))
    half = saved(plain((0, 0, 255, 0), mode="RGBA"))
    assert colour(half, spec) == (255, 255, 0)
    palette = plain((9, 9, 9)).convert("P")
    assert colour(saved(palette, transparency=palette.getpixel((0, 0))), spec) == (255, 255, 0)


def test_grey_models_get_one_channel() -> None:
    assert colour(saved(plain((255, 255, 255))), ImageInput(size=8, channels="L")) == (255,)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright(orientation: int, form: str) -> None:
    """As Pillow's own `exif_transpose` does it."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[274] = orientation
    data = saved(noise(12, 20), form, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(np.asarray(decode(data, SPEC)), np.asarray(expected))
    lying = decode(data, ImageInput(size=8, upright=False))
    assert lying.size == (20, 12)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_broken_orientation_is_none(exif: bytes) -> None:
    assert decode(saved(noise(12, 20), "JPEG", exif=exif), SPEC).size == (20, 12)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(form: str) -> None:
    first, second = plain((200, 0, 0)), plain((0, 0, 200))
    data = saved(
        first,
        form,
        save_all=True,
        append_images=[second] * 20,
        **({"lossless": True} if form == "WEBP" else {}),
    )
    assert colour(data) == (200, 0, 0)


def test_what_follows_a_picture_is_not_looked_at() -> None:
    """A file that is a picture and an archive is the picture."""
    assert colour(saved(plain((1, 2, 3))) + b"PK\x05\x06" + bytes(18)) == (1, 2, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@given(share=st.floats(0, 0.95))
@settings(max_examples=15, deadline=None)
def test_a_picture_that_is_cut_off_is_refused(form: str, share: float) -> None:
    data = saved(noise(30, 30), form)
    with pytest.raises(InvalidInput) as caught:
        decode(data[: int(len(data) * share)], SPEC)
    assert caught.value.code in {"image-format", "image-unreadable"}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_damaged_picture_is_read_or_refused(form: str, data: st.DataObject) -> None:
    """Nothing else comes out, whatever bytes were changed."""
    whole = bytearray(saved(noise(24, 24), form))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InvalidInput):
        assert decode(bytes(whole), ImageInput(size=8, max_pixels=10_000)).mode == "RGB"


@pytest.mark.parametrize(
    ("data", "spec", "code"),
    [
        (b"hello", SPEC, "image-format"),
        (saved(noise(9, 9), "TIFF"), SPEC, "image-format"),
        (saved(noise(9, 9), "GIF"), ImageInput(size=8, formats=("PNG", "JPEG")), "image-format"),
        (saved(noise(90, 90)), ImageInput(size=8, max_bytes=1000), "image-too-large"),
        (saved(noise(90, 90)), ImageInput(size=8, max_pixels=8099), "image-too-large"),
        (png(8000, 8000), SPEC, "image-too-large"),
        (png(4000, 4000), SPEC, "image-unreadable"),
    ],
)
def test_a_refusal_says_which_rule(data: bytes, spec: ImageInput, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(data, spec)
    assert caught.value.code == code
    assert caught.value.hint


@cache
def bombs() -> dict[str, bytes]:
    """Small files that would become large: in pixels, in compressed text, in frames, in scans."""
    empty = zlib.compress(bytes(60_000 * 3 + 1), 9)
    text = zlib.compress(b"x" * 100_000_000, 9)
    wide = png(60_000, 60_000, chunk(b"IDAT", empty * 50))
    screen = b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02L\x01\x00;"
    canvas = b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\x3f\x00\xff\x3f\x00"
    image = bytearray(saved(noise(16, 16), "BMP"))
    image[18:26] = b"\x60\xea\x00\x00\x60\xea\x00\x00"
    frame = bytearray(saved(noise(16, 16), "JPEG"))
    at = frame.index(b"\xff\xc0") + 5
    frame[at : at + 4] = b"\xfd\xe8\xfd\xe8"
    progressive = saved(noise(16, 16), "JPEG", progressive=True)
    scans = (
        progressive[: progressive.rindex(b"\xff\xda")]
        + progressive[progressive.rindex(b"\xff\xda") : -2] * 200
    )
    return {
        "pixels": wide,
        "text": png(1, 1, chunk(b"zTXt", b"c\0\0" + text), chunk(b"IDAT", zlib.compress(bytes(4)))),
        "profile": png(1, 1, chunk(b"iCCP", b"c\0\0" + text), chunk(b"IDAT", zlib.compress(bytes(4)))),
        "rows": png(4096, 4096, chunk(b"IDAT", zlib.compress(bytes(100_000_000), 9))),
        "gif": screen,
        "webp": canvas,
        "bmp": bytes(image),
        "jpeg": bytes(frame),
        "scans": scans,
    }


_LOOK = """
import resource, sys
from modelport.errors import InvalidInput
from modelport.runtimes.image.decode import decode
from modelport.runtimes.image.pillow import pillow
from modelport.runtimes.image.spec import ImageInput
pillow().init()
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode(data, ImageInput(size=8))
    said = "read"
except InvalidInput as error:
    said = error.code
print(said, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", ["pixels", "text", "profile", "rows", "gif", "webp", "bmp", "jpeg", "scans"])
def test_a_bomb_takes_no_more_memory_than_a_picture_may(name: str) -> None:
    """16,777,216 pixels of four bytes, once more while they change form, and what decoders need: 192 MiB."""
    run = subprocess.run([sys.executable, "-c", _LOOK], input=bombs()[name], capture_output=True, check=True)
    said, grown = run.stdout.decode().split()
    assert int(grown) <= 192, (said, grown)
    if name not in {"text", "profile", "rows"}:
        assert said in {"image-too-large", "image-format", "image-unreadable"}
