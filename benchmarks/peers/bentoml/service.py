"""The BentoML service: the fitted estimator behind one API route."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml
import joblib
import numpy as np
from pydantic import BaseModel

TASK = os.environ["BENCH_TASK"]


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


@bentoml.service(workers=1)
class Classifier:
    def __init__(self) -> None:
        self.model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")

    @bentoml.api(route="/v2/models/bench/infer")
    def infer(self, inputs: list[Tensor]) -> dict[str, Any]:
        tensor = inputs[0]
        items = tensor.data if TASK == "text" else np.asarray(tensor.data).reshape(tensor.shape)
        row = self.model.predict_proba(items)[0]
        label = self.model.classes_[int(np.argmax(row))].item()
        return {"prediction": label, "confidence": float(row.max()), "probabilities": row.tolist()}
