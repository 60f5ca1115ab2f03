"""Triton's Python backend running the ONNX graph: all waiting requests become one batch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args: dict[str, Any]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = json.loads(args["model_config"])["parameters"]["onnx"]["string_value"]
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def execute(self, requests: list[Any]) -> list[Any]:
        parts = [pb.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        label, probabilities = self.session.run(None, {self.name: rows})
        ends = np.cumsum([len(part) for part in parts])[:-1]
        return [
            _answer(*pair) for pair in zip(np.split(label, ends), np.split(probabilities, ends), strict=True)
        ]


def _answer(label: np.ndarray, probabilities: np.ndarray) -> Any:
    tensors = [
        pb.Tensor("label", np.ascontiguousarray(label.reshape(-1, 1))),
        pb.Tensor("probabilities", np.ascontiguousarray(probabilities)),
    ]
    return pb.InferenceResponse(output_tensors=tensors)
