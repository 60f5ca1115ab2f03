"""Bundles of pictures: packed, opened, asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from onnx import TensorProto
from tests.runtimes.image.pictures import graph, noise, plain, saved

from modelport.bundle.reader import Bundle
from modelport.compile.columns import objects
from modelport.compile.pack import pack
from modelport.core.manifest import Manifest
from modelport.errors import BundleCorrupt, InvalidInput, SettingsError, Unsupported
from modelport.runtimes.base import Bulky, Staged
from modelport.runtimes.batch import Batch, concat
from modelport.runtimes.golden import replay
from modelport.runtimes.image.predictor import ImageRuntime
from modelport.runtimes.image.spec import ImageInput
from modelport.runtimes.load import load


def rows(*pictures: Any) -> Batch:
    return Batch(len(pictures), {"image": objects(pictures)})


def test_pictures_are_answered_by_their_colours(bundle: Bundle, colours: list[bytes]) -> None:
    answers = load(bundle).predict(rows(*colours))
    assert answers.array("label").tolist() == [0, 1, 2, 0]
    assert answers.array("probabilities").shape == (4, 3)
    golden = bundle.golden()
    assert golden
    replay(load(bundle), golden, bundle.manifest.signature)


def test_stages_give_the_same_answers_as_one_call(bundle: Bundle, colours: list[bytes]) -> None:
    """Prepared one by one, computed together: rows of bytes, a quarter of the size of floats."""
    predictor = load(bundle)
    assert isinstance(predictor, Staged)
    assert isinstance(predictor, Bulky)
    prepared = concat([predictor.prepare(rows(each)) for each in colours])
    assert prepared.array("pixels").dtype == np.uint8
    assert prepared.array("pixels").nbytes == 4 * predictor.row_bytes
    assert predictor.lengths(prepared).tolist() == [1, 1, 1, 1]
    whole = predictor.predict(rows(*colours))
    again = predictor.compute(prepared)
    assert np.array_equal(again.array("probabilities"), whole.array("probabilities"))


@pytest.mark.parametrize("item", [b"", b"no picture", "text", None, 3])
def test_what_is_no_picture_is_refused(bundle: Bundle, colours: list[bytes], item: Any) -> None:
    with pytest.raises(InvalidInput):
        load(bundle).predict(rows(colours[0], item))


def test_a_folder_is_a_sample(tmp_path: Path, colours: list[bytes]) -> None:
    for place, data in enumerate(colours):
        (tmp_path / f"{place}.img").write_bytes(data)
    (tmp_path / ".hidden").write_bytes(b"not a picture")
    packed = pack(graph(), name="colours", sample=tmp_path, image=ImageInput(size=8), task="tensors")
    assert packed.parity.rows - packed.parity.edge_rows == 4
    assert packed.parity.edge_rows >= 20
    assert msgspec.json.decode(packed.attachments["profile.json"])["columns"]["image"]["kind"] == "image"


def test_a_graph_may_take_bytes_as_they_are(colours: list[bytes]) -> None:
    image = ImageInput(size=8, dtype="UINT8")
    packed = pack(graph(dtype=TensorProto.UINT8, factor=0.05), name="bytes", sample=colours, image=image)
    assert packed.parity.holds
    assert packed.manifest.runtime == "image"


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (ImageInput(size=9), "sample-mismatch"),
        (ImageInput(size=8, layout="NHWC"), "sample-mismatch"),
        (ImageInput(size=8, dtype="UINT8"), "sample-mismatch"),
        (ImageInput(size=8, channels="L"), "sample-mismatch"),
        (ImageInput(size=8, std=(0.0,)), "settings"),
        (ImageInput(size=8, formats=("PNG",)), "unsupported-sample"),
    ],
)
def test_a_preprocessing_that_does_not_fit_the_model_is_refused(
    colours: list[bytes], image: ImageInput, code: str
) -> None:
    with pytest.raises((Unsupported, SettingsError)) as caught:
        pack(graph(), name="colours", sample=colours, image=image)
    assert caught.value.code == code, caught.value


@pytest.mark.parametrize("sample", [[], [b"no picture"], [3], ["/no/such/picture.png"]])
def test_a_sample_without_pictures_is_refused(sample: Any) -> None:
    with pytest.raises(Unsupported):
        pack(graph(), name="colours", sample=sample, image=ImageInput(size=8))


def test_edges_are_the_same_each_time() -> None:
    from modelport.compile import image_edges

    first, second = image_edges.edges(), image_edges.edges()
    assert first.array("image").tolist() == second.array("image").tolist()


@dataclass(frozen=True)
class Loose:
    """Files of a bundle that nobody sealed."""

    manifest: Manifest
    files: Mapping[str, bytes]

    def read(self, path: str) -> bytes:
        return self.files[path]


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b'{"image": {"size": 8}, "tensor": "other"}',
        b'{"image": {"size": 8, "std": [0]}, "tensor": "x"}',
        b'{"image": {"size": 8, "dtype": "UINT8"}, "tensor": "x"}',
        b'{"image": {"size": 8, "filter": "magic"}, "tensor": "x"}',
        b'{"image": {"size": [8, 8, 8]}, "tensor": "x"}',
        b'{"image": {"size": 8, "max_pixels": 9000000000}, "tensor": "x"}',
    ],
)
def test_a_document_that_does_not_hold_together_is_corrupt(bundle: Bundle, document: bytes) -> None:
    files = {"model/graph.onnx": bundle.read("model/graph.onnx"), "model/image.json": document}
    with pytest.raises(BundleCorrupt):
        ImageRuntime().load(Loose(bundle.manifest, files))


def test_photos_and_large_pictures_are_answered(bundle: Bundle) -> None:
    large = saved(noise(1500, 2000), "JPEG", quality=60)
    assert load(bundle).predict(rows(large, saved(plain((0, 255, 0))))).array("label")[1] == 1
