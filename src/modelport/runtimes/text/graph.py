"""Models without a linear kernel: the vectorizer's rows made dense, then an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelport.core.plan import CPU
from modelport.core.signature import Field
from modelport.errors import BundleCorrupt
from modelport.runtimes.base import Files, Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.onnx import OnnxPredictor, open_session, weights_beside
from modelport.runtimes.text.spec import Graph
from modelport.runtimes.text.vectorizer import Vectorizer, dense

WIDEST = 32_768
"""Most columns of a dense row: 256 rows then take 32 MiB as float32."""


@dataclass(frozen=True, slots=True)
class GraphAnswers:
    """The outputs of a graph on dense rows. Thread-safe."""

    vectorizer: Vectorizer
    predictor: Predictor
    spec: Graph

    def answer(self, texts: Sequence[str]) -> dict[str, Array]:
        rows = self.vectorizer.rows(texts)
        table = dense(rows, self.spec.width, np.float32 if self.spec.dtype == "FP32" else np.float64)
        answers = self.predictor.predict(Batch(len(texts), {self.spec.input: table}))
        return {name: answers.array(name) for name in answers.tensors}


def load(spec: Graph, vectorizer: Vectorizer, files: Files, threads: int, device: str = CPU) -> GraphAnswers:
    """The graph that `spec` names, on a device. Raises `BundleCorrupt` or `BundleRefused`."""
    if spec.width != vectorizer.width or spec.width > WIDEST:
        msg = f"the graph takes {spec.width} columns, the vectorizer gives {vectorizer.width}"
        raise BundleCorrupt(msg, hint="pack the model again")
    data = files.read(spec.file)
    session = open_session(data, threads, weights=weights_beside(spec.file, data, files), device=device)
    if [node.name for node in session.get_inputs()] != [spec.input]:
        msg = "the graph of the text model does not take the one input that the model names"
        raise BundleCorrupt(msg, code="graph-signature", hint="pack the model again")
    field = Field(spec.input, spec.dtype, (-1, spec.width))
    outputs = files.manifest.signature.outputs
    return GraphAnswers(vectorizer, OnnxPredictor(session, (field,), outputs, ()), spec)
