"""Image classifiers of transformers, small ones with random weights: packed from memory and from folders."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelport.compile.pack import pack
from modelport.compile.pack_file import pack_file
from modelport.compile.transformers_image.preprocessing import image_input
from modelport.errors import SourceRefused, Unsupported
from modelport.runtimes.image.pixels import Preparation
from modelport.runtimes.image.spec import ImageInput

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore")]

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
TINY: dict[str, dict[str, Any]] = {
    "ViT": {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "image_size": 32, "patch_size": 8,
    },
    "ResNet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
    "ConvNext": {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1], "image_size": 32},
    "MobileNetV2": {"image_size": 32, "depth_multiplier": 0.25, "initializer_range": 0.3},
    "Swin": {
        "image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2],
        "window_size": 4,
    },
}  # fmt: skip
PROCESSORS: dict[str, dict[str, Any]] = {
    "ViT": {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}},
    "ResNet": {
        "image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}, "crop_pct": 0.875,
    },
    "ConvNext": {
        "image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}, "resample": 3,
    },
    "MobileNetV2": {
        "image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 40},
        "do_center_crop": True, "crop_size": {"height": 32, "width": 32},
    },
    "Swin": {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 3},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(action="ignore"):
        yield


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Smooth random pictures of several sizes."""
    rng = np.random.default_rng(3)
    made = []
    for height, width in ((40, 60), (64, 48), (33, 33), (20, 90)):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3)).astype(np.uint8))
        written = io.BytesIO()
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(written, "PNG")
        made.append(written.getvalue())
    return made


def network(family: str) -> Any:
    importlib.import_module("torch").manual_seed(0)
    library = importlib.import_module("transformers")
    names = {0: "cat", 1: "dog", 2: "bird"}
    config = getattr(library, f"{family}Config")(**TINY[family], num_labels=3, id2label=names)
    return getattr(library, f"{family}ForImageClassification")(config).eval()


def settings(family: str) -> dict[str, Any]:
    return PROCESSORS[family] | IMAGENET


@pytest.mark.parametrize("family", TINY)
def test_a_classifier_keeps_its_answers(family: str, pictures: list[bytes]) -> None:
    packed = pack((network(family), settings(family)), name="pets", sample=pictures)
    assert packed.parity.holds
    assert packed.manifest.runtime == "image"
    assert packed.manifest.labels == ("cat", "dog", "bird")


@pytest.mark.parametrize("family", ["ViT", "ConvNext", "MobileNetV2"])
def test_pictures_become_what_the_processor_of_the_library_makes(family: str, pictures: list[bytes]) -> None:
    library = importlib.import_module("transformers")
    processor = getattr(library, f"{family}ImageProcessorPil")(**settings(family))
    preparation = Preparation(image_input(processor.to_dict()))
    for data in pictures:
        expected = processor(Image.open(io.BytesIO(data)).convert("RGB"), return_tensors="np")[
            "pixel_values"
        ][0]
        found = preparation.tensor(preparation.pixels(data)[None])[0]
        assert found.shape == expected.shape
        assert np.allclose(found, expected, atol=1e-5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ViT as `save_pretrained` writes it."""
    from msgspec import json

    path = tmp_path_factory.mktemp("vit")
    network("ViT").save_pretrained(path)
    (path / "preprocessor_config.json").write_bytes(json.encode(settings("ViT")))
    return path


@pytest.fixture(scope="module")
def sample(pictures: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    for place, data in enumerate(pictures):
        (path / f"{place}.png").write_bytes(data)
    return path


def test_a_folder_becomes_a_proven_bundle(folder: Path, sample: Path) -> None:
    """Loaded, exported and recorded in the sandbox; proven outside."""
    packed = pack_file(folder, name="pets", sample_path=sample)
    assert packed.parity.holds
    assert packed.manifest.labels == ("cat", "dog", "bird")
    assert packed.about.source["model"] == "ViTForImageClassification"


def test_a_folder_without_its_preprocessing_is_refused(folder: Path, sample: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(SourceRefused) as caught:
        pack_file(tmp_path, name="pets", sample_path=sample)
    assert caught.value.code == "source-absent"


def test_the_preprocessing_may_be_given_instead(pictures: list[bytes]) -> None:
    packed = pack(
        network("ViT"), name="pets", sample=pictures, image=ImageInput(size=32), labels=["a", "b", "c"]
    )
    assert packed.manifest.labels == ("a", "b", "c")


@pytest.mark.parametrize(
    "changed",
    [
        {"image_processor_type": "ImageGPTImageProcessor"},
        {"image_processor_type": "ViTImageProcessor", "do_resize": False},
        {"image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": 32}},
        {"image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": 32, "longest_edge": 64}},
        {"image_processor_type": "ViTImageProcessor", "image_mean": None},
        {"image_processor_type": "ViTImageProcessor", "resample": 9},
        {"image_processor_type": "ConvNextImageProcessor", "size": {"height": 32, "width": 32}},
        {},
    ],
)
def test_a_processor_that_does_something_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as caught:
        image_input(IMAGENET | changed)
    assert caught.value.code == "unsupported-preprocessing"
    assert "ImageInput" in caught.value.hint
