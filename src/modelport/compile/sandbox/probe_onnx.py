"""Inside the sandbox: load a graph in ONNX Runtime for the first time, and run a row of zeros."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelport.errors import Unsupported
from modelport.runtimes.ort import onnxruntime

_TYPES: Mapping[str, Any] = {
    "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}


def task(inputs: Mapping[str, Path], _options: Mapping[str, Any]) -> Mapping[str, bytes]:
    """Answer `probe.json`: inputs and outputs of the graph, and whether a row of zeros ran through it.

    Raises `Unsupported` (`graph-refused`) when ONNX Runtime does not take the graph.
    """
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(
            inputs["graph"].read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except MemoryError:
        raise
    except Exception as error:
        msg = f"ONNX Runtime cannot load the graph: {error}"
        raise Unsupported(msg, code="graph-refused") from error
    found = {
        "inputs": _places(session.get_inputs()),
        "outputs": _places(session.get_outputs()),
        "ran": _run(session),
    }
    return {"probe.json": json.dumps(found).encode()}


def _places(nodes: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": node.name,
            "type": node.type,
            "shape": [size if isinstance(size, int) else -1 for size in node.shape or ()],
        }
        for node in nodes
    ]


def _run(session: Any) -> bool:
    """Whether one row of zeros, or empty texts, gets an answer; a graph may have its reasons to refuse it."""
    try:
        session.run(None, {node.name: _zeros(node) for node in session.get_inputs()})
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  ONNX Runtime raises its own types, which are not importable by name
        return False
    return True


def _zeros(node: Any) -> Any:
    shape = [size if isinstance(size, int) else 1 for size in node.shape]
    if node.type == "tensor(string)":
        return np.full(shape, "", object)
    return np.zeros(shape, _TYPES[node.type])
