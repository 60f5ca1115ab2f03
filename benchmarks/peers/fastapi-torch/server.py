"""FastAPI around the model in PyTorch: what most people write first."""

from __future__ import annotations

import os
from pathlib import Path

import torch
import uvicorn
from encoder import Classifier
from fastapi import FastAPI
from pydantic import BaseModel

torch.set_num_threads(1)
model = Classifier(Path(os.environ["BENCH_MODEL"]))
app = FastAPI(title="Model API", version="1.0.0")


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[str]


class InferenceRequest(BaseModel):
    inputs: list[Tensor]


class PredictionResponse(BaseModel):
    prediction: str
    confidence: float
    probabilities: list[float]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.post("/v2/models/bench/infer", response_model=PredictionResponse)
def infer(request: InferenceRequest) -> PredictionResponse:
    row = model.probabilities(request.inputs[0].data)[0]
    label = str(model.head.classes_[row.argmax()])
    return PredictionResponse(prediction=label, confidence=float(row.max()), probabilities=row.tolist())


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning", access_log=False
    )
