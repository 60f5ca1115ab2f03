"""The image runtime: decodes and prepares pictures in the caller's thread, answers them in batches."""

from __future__ import annotations

import msgspec
import numpy as np

from modelport.core.plan import CPU
from modelport.core.ready import ready
from modelport.core.signature import Field
from modelport.errors import BundleCorrupt, InvalidInput
from modelport.runtimes.base import Files
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.devices import providers
from modelport.runtimes.image.pixels import Preparation
from modelport.runtimes.image.spec import INPUT, PATH, ImageModel
from modelport.runtimes.onnx import GRAPH, OnnxPredictor, open_session, weights_beside

_PIXELS = "pixels"
"""Name of the prepared tensor: uint8 `[n, height, width, channels]`, a quarter of what float32 takes."""


class ImagePredictor:
    """A loaded image model, `runtimes.base.Staged`. Thread-safe.

    Attributes:
        row_bytes: of a prepared picture.
    """

    def __init__(self, preparation: Preparation, graph: OnnxPredictor, tensor: str) -> None:
        self._preparation = preparation
        self._graph = graph
        self._tensor = tensor
        self.row_bytes = int(np.prod(preparation.shape))

    def predict(self, batch: Batch) -> Batch:
        """Answers the pictures in the tensor `image`, an object array `[n]` of `bytes`."""
        return self.compute(self.prepare(batch))

    def prepare(self, batch: Batch) -> Batch:
        """The pictures as bytes of pixels; one decoded picture is held at a time.

        Raises `InvalidInput` (`image-format`, `image-too-large`, `image-unreadable`).
        """
        prepared = np.empty((batch.rows, *self._preparation.shape), np.uint8)
        for row, data in enumerate(batch.array(INPUT)):
            if type(data) is not bytes:
                msg = f"row {row} is no picture"
                raise InvalidInput(msg, code="image-format", hint="send the bytes of a picture file")
            prepared[row] = self._preparation.pixels(data)
        return Batch(batch.rows, {_PIXELS: prepared})

    def lengths(self, prepared: Batch) -> Array:
        """Every picture costs the same."""
        return np.ones(prepared.rows, np.int64)

    def compute(self, prepared: Batch) -> Batch:
        """The answers. Raises `ModelFailed` when the graph refuses them."""
        return self._graph.predict(Batch(prepared.rows, self._given(prepared)))

    def feeds(self, batch: Batch) -> dict[str, Array]:
        """What the graph is given for these pictures."""
        return self._given(self.prepare(batch))

    def _given(self, prepared: Batch) -> dict[str, Array]:
        return {self._tensor: self._preparation.tensor(prepared.array(_PIXELS))}


class ImageRuntime:
    """Loads bundles of kind `image`. Nothing in one is code."""

    kind = "image"

    def __init__(self, device: str = CPU) -> None:
        self._device = device

    def on(self, device: str) -> ImageRuntime:
        """The same with its graph on a device: pictures are decoded on the CPU. Raises `BundleRefused`."""
        providers(device)
        return ImageRuntime(device)

    def load(self, files: Files, threads: int = 1) -> ImagePredictor:
        """Raises `BundleCorrupt` where the data does not hold together, `BundleRefused` without Pillow."""
        model = _model(files.read(PATH))
        preparation = Preparation(model.image)
        graph = files.read(GRAPH)
        session = open_session(
            graph, threads, weights=weights_beside(GRAPH, graph, files), device=self._device
        )
        _check(session, model)
        door = Field(model.tensor, model.image.dtype, model.image.shape)
        outputs = files.manifest.signature.outputs
        return ImagePredictor(preparation, OnnxPredictor(session, (door,), outputs, ()), model.tensor)


def _model(data: bytes) -> ImageModel:
    try:
        model = msgspec.json.decode(data, type=ready(ImageModel))
    except msgspec.MsgspecError as error:
        msg = f"{PATH} does not describe an image model: {error}"
        raise BundleCorrupt(msg, hint="pack the model again") from error
    if wrong := model.image.wrong():
        msg = f"{PATH} does not describe an image model: {wrong}"
        raise BundleCorrupt(msg, hint="pack the model again")
    return model


def _check(session: object, model: ImageModel) -> None:
    """The graph takes the one tensor that pictures become."""
    inputs = session.get_inputs()  # type: ignore[attr-defined]
    fits = len(inputs) == 1 and inputs[0].name == model.tensor and len(inputs[0].shape) == 4
    kinds = {"FP32": "tensor(float)", "UINT8": "tensor(uint8)"}
    if not fits or inputs[0].type != kinds[model.image.dtype]:
        msg = "the graph does not take the tensor that its pictures become"
        raise BundleCorrupt(msg, code="graph-signature")
