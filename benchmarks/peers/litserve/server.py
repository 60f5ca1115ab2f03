"""LitServe with the fitted estimator, on its defaults: one API process, one inference worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib
import litserve as ls
import numpy as np

TASK = os.environ["BENCH_TASK"]


class Classifier(ls.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 -- LitServe passes it by name
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")

    # LitServe reads these annotations as body models; without them it hands over the decoded JSON.
    def decode_request(self, request):
        tensor = request["inputs"][0]
        return tensor["data"] if TASK == "text" else np.asarray(tensor["data"]).reshape(tensor["shape"])

    def predict(self, items: Any) -> np.ndarray:
        return self.model.predict_proba(items)

    def encode_response(self, probabilities):
        row = probabilities[0]
        label = self.model.classes_[int(np.argmax(row))].item()
        return {"prediction": label, "confidence": float(row.max()), "probabilities": row.tolist()}


if __name__ == "__main__":
    server = ls.LitServer(
        Classifier(api_path="/v2/models/bench/infer"), accelerator="cpu", workers_per_device=1
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
