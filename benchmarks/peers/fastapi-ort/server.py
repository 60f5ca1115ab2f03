"""FastAPI in front of the same ONNX graph: the best an ordinary web framework does with a compiled model."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = ort.InferenceSession(
    Path(os.environ["BENCH_MODEL"]) / "model.onnx", options, providers=["CPUExecutionProvider"]
)
name = session.get_inputs()[0].name
app = FastAPI(title="Model API", version="1.0.0")


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferenceRequest(BaseModel):
    inputs: list[Tensor]


class PredictionResponse(BaseModel):
    prediction: int
    confidence: float
    probabilities: list[float]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.post("/v2/models/bench/infer", response_model=PredictionResponse)
async def infer(request: InferenceRequest) -> PredictionResponse:
    tensor = request.inputs[0]
    label, probabilities = session.run(
        None, {name: np.asarray(tensor.data, np.float32).reshape(tensor.shape)}
    )
    row = probabilities[0].tolist()
    return PredictionResponse(prediction=int(label[0]), confidence=max(row), probabilities=row)


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning", access_log=False
    )
