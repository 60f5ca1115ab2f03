"""From the bytes of a picture file to pixels of eight bits, in memory that was bounded before."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from modelport.errors import InvalidInput
from modelport.runtimes.image import header
from modelport.runtimes.image.header import Header
from modelport.runtimes.image.orientation import orientation
from modelport.runtimes.image.pillow import pillow
from modelport.runtimes.image.spec import ImageInput

_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""From an Exif orientation to what makes the picture upright."""


def decode(data: bytes, spec: ImageInput) -> Any:
    """The picture as a Pillow image of mode `RGB` or `L`, upright, its first frame where it has several.

    The format and the size are read by ourselves, before any decoder sees the file. Raises `InvalidInput`:
    `image-format`, `image-too-large`, `image-unreadable`.
    """
    found = check(data, spec)
    library = pillow()
    try:
        with library.open(io.BytesIO(data), formats=(found.format,)) as image:
            _same_size(image, found)
            image.load()
            return _flat(_upright(image, spec), spec)
    except InvalidInput:
        raise
    except Exception as error:
        msg = f"the {found.format} picture is broken or cut off"
        raise InvalidInput(msg, code="image-unreadable", hint="does it open in a viewer?") from error


def check(data: bytes, spec: ImageInput) -> Header:
    """What the picture is, when it may be decoded. Raises `InvalidInput` as `decode` does."""
    if len(data) > spec.max_bytes:
        msg = f"the picture has {len(data)} bytes, the model takes {spec.max_bytes}"
        raise InvalidInput(msg, code="image-too-large", hint="send it smaller: the model sees few pixels")
    found = header.read(data)
    if found is None or found.format not in spec.formats:
        names = ", ".join(spec.formats)
        what = "is no picture that can be read" if found is None else f"is a {found.format} picture"
        msg = f"the item {what}; the model takes {names}"
        raise InvalidInput(msg, code="image-format", hint=f"send the bytes of a file, one of {names}")
    if found.pixels > spec.max_pixels:
        msg = f"the picture has {found.width} x {found.height} pixels, the model takes {spec.max_pixels}"
        raise InvalidInput(msg, code="image-too-large", hint="send it smaller: the model sees few pixels")
    return found


def _same_size(image: Any, found: Header) -> None:
    """A decoder that reads another size than we did would decode what was not bounded."""
    if image.size != (found.width, found.height):
        msg = "the picture says two different things about its size"
        raise InvalidInput(msg, code="image-unreadable")


def _upright(image: Any, spec: ImageInput) -> Any:
    exif = image.info.get("exif", b"") if spec.upright else b""
    turn = _TURNS.get(orientation(exif)) if isinstance(exif, bytes) else None
    return image.transpose(getattr(pillow().Transpose, turn)) if turn else image


def _flat(image: Any, spec: ImageInput) -> Any:
    """Eight bits, no palette, nothing transparent."""
    mode = "L" if spec.channels == "L" else "RGB"
    if image.mode.startswith("I"):
        image = _high_byte(image)
    if image.has_transparency_data:
        image = _opaque(image.convert("RGBA"), spec)
    return image if image.mode == mode else image.convert(mode)


def _high_byte(image: Any) -> Any:
    """Sixteen bits of grey to eight, as decoders do with sixteen bits of colour."""
    values = np.asarray(image).astype(np.int64)
    return pillow().fromarray(np.clip(values >> 8, 0, 255).astype(np.uint8))


def _opaque(image: Any, spec: ImageInput) -> Any:
    if spec.background is None:
        return image.convert("RGB")
    behind = pillow().new("RGBA", image.size, (*spec.background, 255))
    return pillow().alpha_composite(behind, image).convert("RGB")
