"""The model alone: one ONNX Runtime session on one thread, called in a loop. No server, no decoding of text.

Arguments: model folder, file of requests (JSON), warm-up seconds, measured seconds, rows per call.
Prints one JSON object: calls and rows per second, median and 99th percentile in milliseconds, and the answers
for the file's rows so that they can be checked.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as in Modelport; only before the import does it count
import onnxruntime as ort


def main(model: str, requests: str, warm: str, seconds: str, rows: str) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(Path(model) / "model.onnx", options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    items = np.asarray(json.loads(Path(requests).read_text()), np.float32)
    batches = [np.roll(items, -start, axis=0)[: int(rows)] for start in range(len(items))]
    loop(session, name, batches, float(warm))
    took = loop(session, name, batches, float(seconds))
    label, probabilities = session.run(None, {name: items})
    print(
        json.dumps(
            {
                "rate": len(took) * int(rows) / took.sum(),
                "p50": 1e3 * float(np.percentile(took, 50)),
                "p99": 1e3 * float(np.percentile(took, 99)),
                "labels": label.tolist(),
                "probabilities": probabilities.tolist(),
            }
        )
    )


def loop(session: ort.InferenceSession, name: str, batches: list[np.ndarray], seconds: float) -> np.ndarray:
    """Seconds of each call, for as long as asked."""
    took = []
    stop = time.perf_counter() + seconds
    now = 0.0
    while now < stop:
        batch = batches[len(took) % len(batches)]
        start = time.perf_counter()
        session.run(None, {name: batch})
        now = time.perf_counter()
        took.append(now - start)
    return np.asarray(took)


main(*sys.argv[1:])
