"""`preprocessor_config.json` as an `ImageInput`: what its image processor would do, said in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from modelport.errors import Unsupported
from modelport.runtimes.image.spec import Filter, ImageInput, Size

_FILTERS: Mapping[int, Filter] = {
    0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming",
}  # fmt: skip
"""Pillow's numbers of its filters."""

_PLAIN = frozenset({"Beit", "Bit", "CLIP", "DeiT", "MobileNetV1", "MobileNetV2", "ViT"})
"""Processors that resize, cut the centre, rescale and normalise, each as their settings say."""

_CONVNEXT = frozenset({"ConvNext", "Convnext"})
_SQUASHED_FROM = 384
_CROP_SHARE = 224 / 256

_ENDINGS = ("ImageProcessorFast", "ImageProcessorPil", "ImageProcessor", "FeatureExtractor")
_HINT = "give the preprocessing yourself: modelport.pack(model, image=ImageInput(size=224, …))"


def image_input(config: Mapping[str, Any], channels: int = 3) -> ImageInput:
    """What the processor with these settings does to a picture.

    `channels` is how many the model takes. Raises `Unsupported` (`unsupported-preprocessing`) for a
    processor, or a setting, that does something else.
    """
    kind = _kind(config)
    if kind in _CONVNEXT:
        resizing = _convnext(config)
    elif kind in _PLAIN:
        resizing = _plain(config)
    else:
        msg = f"the image processor {kind} is not one that is known"
        raise _refused(msg)
    return ImageInput(**resizing, **_numbers(config), channels=_channels(channels))


def _kind(config: Mapping[str, Any]) -> str:
    """The family of the processor, as `ViT`."""
    name = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    return next(
        (name.removesuffix(each) for each in _ENDINGS if name.endswith(each)), name or "without a name"
    )


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    if not config.get("do_resize", True):
        msg = "pictures are not resized, and a graph of a batch takes one size"
        raise _refused(msg)
    size = _size(config.get("size", 224))
    crop = _pair(config.get("crop_size", 224)) if config.get("do_center_crop", False) else None
    if crop is None and not isinstance(size, tuple):
        msg = "the shorter side alone is resized, so that pictures become tensors of different sizes"
        raise _refused(msg)
    return {"size": crop or size, "resize": size, "filter": _filter(config)}


def _convnext(config: Mapping[str, Any]) -> dict[str, Any]:
    """Large models see the whole picture squashed, small ones the centre of it."""
    size = _size(config.get("size", {"shortest_edge": _SQUASHED_FROM}))
    if not isinstance(size, int):
        msg = "the size is not one number"
        raise _refused(msg)
    if size >= _SQUASHED_FROM:
        return {"size": size, "resize": (size, size), "filter": _filter(config)}
    share = float(config.get("crop_pct") or _CROP_SHARE)
    return {"size": size, "resize": int(size / share), "filter": _filter(config)}


def _numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    scale = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
    if not config.get("do_normalize", True):
        return {"scale": scale}
    mean, std = config.get("image_mean"), config.get("image_std")
    if not mean or not std:
        msg = "it normalises, and names no image_mean and image_std"
        raise _refused(msg)
    return {"scale": scale, "mean": tuple(map(float, mean)), "std": tuple(map(float, std))}


def _size(value: Any) -> Size:
    """Height and width, or the length of the shorter side."""
    if isinstance(value, Mapping) and "shortest_edge" in value:
        if "longest_edge" in value:
            msg = "it bounds the longer side as well"
            raise _refused(msg)
        return int(value["shortest_edge"])
    return _pair(value)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Mapping) and {"height", "width"} <= value.keys():
        return int(value["height"]), int(value["width"])
    if isinstance(value, int):
        return value, value
    if isinstance(value, list | tuple) and len(value) == 2:
        return int(value[0]), int(value[1])
    msg = "its size is in a form that is not known"
    raise _refused(msg)


def _filter(config: Mapping[str, Any]) -> Filter:
    number = config.get("resample", 2)
    if number not in _FILTERS:
        msg = f"its filter {number!r} is not one of Pillow's"
        raise _refused(msg)
    return _FILTERS[number]


def _channels(count: int) -> Any:
    if count not in {1, 3}:
        msg = f"the model takes {count} channels"
        raise _refused(msg)
    return cast("Any", "RGB" if count == 3 else "L")


def _refused(what: str) -> Unsupported:
    msg = f"the preprocessing cannot be kept: {what}"
    return Unsupported(msg, code="unsupported-preprocessing", hint=_HINT)
