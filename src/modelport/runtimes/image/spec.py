"""The declarative data of an image model: what `model/image.json` of a bundle says."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

PATH = "model/image.json"
"""Where a bundle keeps the `ImageModel` document."""

INPUT = "image"
"""Name of the one input tensor: an object array `[n]` of `bytes`, a picture file each."""

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP"]
Filter = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]

Size = int | tuple[int, int]
"""One side, or height and width; `wrong` bounds them (bounded numbers in such a union end the process when
msgspec 0.22 is collected)."""

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]

MOST_SIDE = 8192
"""Longest side of a tensor, or of a picture after resizing."""

FORMATS: tuple[Format, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


class ImageInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a picture becomes the tensor that a model takes; the same code runs at packing and in serving.

    In this order: the picture is decoded (of an animation its first frame), turned upright, brought to eight
    bits and to `channels`, cut to `share`, resized, cut to `size` around its centre, and its bytes become
    numbers: `(byte * scale - mean) / std`, computed in float64 and rounded once to float32.

    Attributes:
        size: height and width of the tensor, or one number for both.
        resize: with one number the shorter side gets this length, the other keeps the proportion (rounded
            down); with two it is height and width. Default: `size`, whatever the proportion.
        share: first only the centre square of this share of the shorter side is kept.
        filter: of the resizing, by Pillow's names; antialiased.
        channels: their order; `L` is one channel of grey.
        layout: of the tensor, rows first.
        dtype: `UINT8` hands bytes to the model as they are, without `scale`, `mean` and `std`.
        scale, mean, std: from bytes to numbers; `mean` and `std` have one entry per channel, or one for all.
        background: colour behind transparent pixels; without one transparency is dropped, as
            `convert("RGB")` does.
        upright: whether the orientation noted in the picture (Exif) is applied.
        formats: what is accepted, told by the first bytes.
        max_bytes, max_pixels: larger pictures are refused before they are decoded.
    """

    size: Size
    resize: Size | None = None
    share: Share | None = None
    filter: Filter = "bilinear"
    channels: Literal["RGB", "BGR", "L"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    dtype: Literal["FP32", "UINT8"] = "FP32"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    background: tuple[int, int, int] | None = None
    upright: bool = True
    formats: tuple[Format, ...] = FORMATS
    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 20_000_000
    max_pixels: Annotated[int, msgspec.Meta(ge=1, le=89_000_000)] = 16_777_216

    @property
    def target(self) -> tuple[int, int]:
        """Height and width of the tensor."""
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    @property
    def depth(self) -> int:
        """Number of channels."""
        return 1 if self.channels == "L" else 3

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor, with -1 for the rows."""
        height, width = self.target
        plane = (self.depth, height, width) if self.layout == "NCHW" else (height, width, self.depth)
        return (-1, *plane)

    def wrong(self) -> str:
        """What does not hold together, empty when all does."""
        sides = (*self.target, *(self.resize if isinstance(self.resize, tuple) else (self.resize or 1,)))
        if not all(1 <= side <= MOST_SIDE for side in sides):
            return f"size and resize are from 1 to {MOST_SIDE}"
        if any(len(each) not in {1, self.depth} for each in (self.mean, self.std)):
            return f"mean and std have one entry, or one for each of the {self.depth} channels"
        if not all(abs(each) > 0 for each in self.std):
            return "std divides, so it is not 0"
        if self.background and not all(0 <= each <= 255 for each in self.background):
            return "background has a number from 0 to 255 for red, green and blue"
        return "" if self.formats else "formats names none"


class ImageModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole image model: its preprocessing, and the name of the graph's input."""

    image: ImageInput
    tensor: str
