"""Pictures that samples rarely hold: tiny, narrow, grey, with palettes, transparent, turned, animated."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelport.compile.columns import objects
from modelport.runtimes.batch import Batch
from modelport.runtimes.image.pillow import pillow
from modelport.runtimes.image.spec import INPUT

_SIZES = ((1, 1), (2, 3), (160, 5), (5, 160), (64, 48), (97, 131))
_COLOURS = ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255), (127, 128, 129))
_MODES = ("L", "P", "1", "RGBA", "LA")
_ORIENTATION = 274


def edges(seed: int = 0) -> Batch:
    """Edge pictures; the same seed gives the same files where Pillow is the same."""
    made = list(_made(np.random.default_rng(seed)))
    return Batch(len(made), {INPUT: objects(made)})


def _made(rng: np.random.Generator) -> Iterator[bytes]:
    noise = [_noise(rng, height, width) for height, width in _SIZES]
    small, odd = noise[-2:]
    yield from (_file(each, "PNG") for each in noise)
    yield from (_file(pillow().new("RGB", (40, 30), colour), "PNG") for colour in _COLOURS)
    yield from (_file(small.convert(mode), "PNG") for mode in _MODES)
    yield _file(pillow().fromarray(rng.integers(0, 1 << 16, (33, 44)).astype(np.uint16)), "PNG")
    yield from (_file(odd, form) for form in ("JPEG", "WEBP", "BMP", "GIF"))
    yield _file(small.convert("CMYK"), "JPEG")
    yield from (_file(odd, "JPEG", exif=_exif(orientation)) for orientation in range(2, 9))
    turned = [small.transpose(pillow().Transpose.ROTATE_180)]
    yield _file(small, "GIF", save_all=True, append_images=turned)


def _noise(rng: np.random.Generator, height: int, width: int) -> Any:
    """Coarse noise: pictures have neighbours alike."""
    coarse = rng.integers(0, 256, (1 + height // 8, 1 + width // 8, 3)).astype(np.uint8)
    return pillow().fromarray(coarse.repeat(8, 0).repeat(8, 1)[:height, :width].copy())


def _exif(orientation: int) -> Any:
    exif = pillow().Exif()
    exif[_ORIENTATION] = orientation
    return exif


def _file(image: Any, form: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()
