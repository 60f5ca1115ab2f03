"""From a picture to the tensor: the geometry and the numbers that training code makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.runtimes.image.pictures import noise, plain, saved

from modelport.errors import BundleRefused, InvalidInput
from modelport.runtimes.image import pillow as library
from modelport.runtimes.image.pixels import Preparation
from modelport.runtimes.image.spec import ImageInput

IMAGENET: dict[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def one(image: Any, spec: ImageInput) -> Any:
    """The tensor of one picture, without the rows."""
    preparation = Preparation(spec)
    return preparation.tensor(preparation.pixels(saved(image))[None])[0]


@given(height=st.integers(1, 90), width=st.integers(1, 90))
@settings(max_examples=40, deadline=None)
def test_the_usual_evaluation_of_imagenet_models(height: int, width: int) -> None:
    """Shorter side to 32, centre of 24, scaled to one, mean and deviation: written out by hand."""
    image = noise(height, width)
    found = one(image, ImageInput(size=24, resize=32, filter="bicubic", **IMAGENET))
    short = min(height, width)
    wide = (32 * width // short, 32) if height > width else (int(32 * width / short), 32)
    tall = (32, int(32 * height / short))
    resized = image.resize(wide if width >= height else tall, Image.Resampling.BICUBIC)
    left, top = (resized.width - 24) // 2, (resized.height - 24) // 2
    pixels = np.asarray(resized, np.float64)[top : top + 24, left : left + 24]
    expected = (pixels / 255 - IMAGENET["mean"]) / IMAGENET["std"]
    assert found.dtype == np.float32
    assert np.allclose(found, expected.transpose(2, 0, 1), rtol=1e-6, atol=1e-6)


def test_a_share_is_the_square_in_the_middle() -> None:
    image = noise(40, 60)
    found = one(image, ImageInput(size=35, share=0.875, layout="NHWC", dtype="UINT8"))
    assert np.array_equal(found, np.asarray(image)[2:37, 12:47])


def test_what_is_smaller_than_the_crop_gets_a_black_border() -> None:
    found = one(plain((255, 255, 255), (4, 4)), ImageInput(size=8, resize=4, layout="NHWC", dtype="UINT8"))
    assert found[2:6, 2:6].min() == 255
    assert found.sum() == 4 * 4 * 3 * 255


@pytest.mark.parametrize(
    ("channels", "layout", "shape"),
    [
        ("RGB", "NCHW", (3, 2, 4)),
        ("BGR", "NHWC", (2, 4, 3)),
        ("L", "NCHW", (1, 2, 4)),
        ("L", "NHWC", (2, 4, 1)),
    ],
)
def test_channels_and_layout_are_as_the_model_was_trained(
    channels: Any, layout: Any, shape: tuple[int, ...]
) -> None:
    spec = ImageInput(size=(2, 4), channels=channels, layout=layout, scale=1.0)
    found = one(plain((10, 20, 30)), spec)
    assert found.shape == shape
    assert spec.shape == (-1, *shape)
    first = found[0, 0, 0] if layout == "NHWC" else found[0].flat[0]
    assert first == {"RGB": 10, "BGR": 30, "L": 18}[channels]


@pytest.mark.parametrize("filter", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_every_filter_is_pillow_s_own(filter: Any) -> None:  # noqa: A002
    image = noise(30, 20)
    found = one(image, ImageInput(size=(9, 7), filter=filter, layout="NHWC", dtype="UINT8"))
    assert np.array_equal(found, np.asarray(image.resize((7, 9), Image.Resampling[filter.upper()])))


def test_a_ribbon_is_refused_before_it_is_stretched() -> None:
    with pytest.raises(InvalidInput) as caught:
        one(plain(size=(60_000, 1)), ImageInput(size=224, resize=1024))
    assert caught.value.code == "image-too-large"


@pytest.mark.parametrize(
    "spec",
    [
        ImageInput(size=0),
        ImageInput(size=(8, 9000)),
        ImageInput(size=8, resize=(0, 8)),
        ImageInput(size=8, mean=(0.5, 0.5)),
        ImageInput(size=8, std=(0.0,)),
        ImageInput(size=8, background=(0, 0, 256)),
        ImageInput(size=8, formats=()),
    ],
)
def test_what_makes_no_sense_is_said(spec: ImageInput) -> None:
    assert spec.wrong()


def test_without_pillow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(BundleRefused) as caught:
        library.pillow()
    assert caught.value.code == "extra-missing"
    assert "modelport[images]" in caught.value.hint
