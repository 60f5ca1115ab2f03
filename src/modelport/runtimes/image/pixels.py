"""From a decoded picture to the bytes, and from bytes to the numbers, that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.errors import InvalidInput
from modelport.runtimes.batch import Array
from modelport.runtimes.image.decode import decode
from modelport.runtimes.image.pillow import pillow
from modelport.runtimes.image.spec import ImageInput

Pixels = npt.NDArray[np.uint8]


class Preparation:
    """Turns pictures into tensors as one `ImageInput` says. Thread-safe."""

    def __init__(self, spec: ImageInput) -> None:
        self.spec = spec
        self._filter = pillow().Resampling[spec.filter.upper()]
        self._order = [2, 1, 0] if spec.channels == "BGR" else None
        self._table = _table(spec)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a picture's bytes: height, width, channels."""
        return (*self.spec.target, self.spec.depth)

    def pixels(self, data: bytes) -> Pixels:
        """The bytes of one picture, `[height, width, channels]`. Raises `InvalidInput`."""
        image = self._cut(self._resized(self._centre(decode(data, self.spec))))
        found = np.asarray(image, np.uint8).reshape(self.shape)
        return found if self._order is None else found[:, :, self._order]

    def tensor(self, pixels: Pixels) -> Array:
        """The tensor of many pictures' bytes `[n, height, width, channels]`, in layout and dtype."""
        if self.spec.layout == "NHWC":
            return self._numbers(pixels, 3, np.empty(pixels.shape, self._table.dtype))
        planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        return self._numbers(planes, 1, np.empty(planes.shape, self._table.dtype))

    def _numbers(self, values: Pixels, axis: int, out: Array) -> Array:
        """Every byte looked up: there are 256 of them, so each is computed once, exactly."""
        if self.spec.dtype == "UINT8":
            return np.ascontiguousarray(values)
        for channel in range(self.spec.depth):
            place = (slice(None),) * axis + (channel,)
            out[place] = self._table[channel][values[place]]
        return out

    def _centre(self, image: Any) -> Any:
        if self.spec.share is None:
            return image
        side = max(1, int(min(image.size) * self.spec.share))
        left, top = (image.width - side) // 2, (image.height - side) // 2
        return image.crop((left, top, left + side, top + side))

    def _resized(self, image: Any) -> Any:
        height, width = self._wanted(image.height, image.width)
        if height * width > self.spec.max_pixels:  # a very narrow picture grows with its shorter side
            msg = f"the picture is too narrow: {image.width} x {image.height} pixels"
            raise InvalidInput(msg, code="image-too-large", hint="cut it to what matters")
        if (width, height) == image.size:
            return image
        return image.resize((width, height), self._filter)

    def _wanted(self, height: int, width: int) -> tuple[int, int]:
        wanted = self.spec.resize
        if wanted is None:
            return self.spec.target
        if isinstance(wanted, tuple):
            return wanted
        if height <= width:
            return wanted, int(wanted * width / height)
        return int(wanted * height / width), wanted

    def _cut(self, image: Any) -> Any:
        """The centre; black around it where the picture is smaller."""
        height, width = self.spec.target
        if (width, height) == image.size:
            return image
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))


def _table(spec: ImageInput) -> Array:
    """The number of every byte in every channel, float32 `[channels, 256]`."""
    mean = np.broadcast_to(np.asarray(spec.mean, np.float64), spec.depth)
    std = np.broadcast_to(np.asarray(spec.std, np.float64), spec.depth)
    levels = np.arange(256, dtype=np.float64) * spec.scale
    return np.asarray(((levels - mean[:, None]) / std[:, None]).astype(np.float32))
