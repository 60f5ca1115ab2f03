"""FastAPI with the fitted estimator from joblib: what most people write first.

`predict` and `predict_proba` are both called, as the usual recipe does, inside an `async def` handler.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

TASK = os.environ["BENCH_TASK"]
Data = list[str] if TASK == "text" else list[float]
model = joblib.load(Path(os.environ["BENCH_MODEL"]) / "model.joblib")
app = FastAPI(title="Model API", version="1.0.0")


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: Data


class InferenceRequest(BaseModel):
    inputs: list[Tensor]


class PredictionResponse(BaseModel):
    prediction: int | str
    confidence: float
    probabilities: list[float] | None = None


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.post("/v2/models/bench/infer", response_model=PredictionResponse)
async def infer(request: InferenceRequest) -> PredictionResponse:
    try:
        items = _items(request.inputs[0])
        prediction = model.predict(items)[0]
        probabilities = model.predict_proba(items)[0]
        return PredictionResponse(
            prediction=prediction.item() if isinstance(prediction, np.generic) else prediction,
            confidence=float(np.max(probabilities)),
            probabilities=probabilities.tolist(),
        )
    except Exception as error:
        raise HTTPException(status_code=500, detail=str(error)) from error


def _items(tensor: Tensor) -> Any:
    return tensor.data if TASK == "text" else np.asarray(tensor.data).reshape(tensor.shape)


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning", access_log=False
    )
