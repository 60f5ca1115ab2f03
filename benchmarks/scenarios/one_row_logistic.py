"""One row of 30 floats through StandardScaler and LogisticRegression: what the server itself costs."""

from __future__ import annotations

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import COLUMNS, closed_loop
from benchmarks.rounds import interleaved
from benchmarks.scenario import Scenario, Timing

OURS = Measure("modelport", "req/s @32")


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """The same request again and again, at 1 and at 32 connections."""
    return interleaved(subjects, timing, closed_loop("logistic", items=1))


def _times(peer: str, title: str, bound: float) -> Aim:
    return Aim(f"at least {bound:g} times {title}", OURS, Measure(peer, OURS.metric), ">=", bound)


SCENARIO = Scenario(
    name="one-row-logistic",
    title="One row, logistic regression",
    about="Breast-cancer data, StandardScaler + LogisticRegression, one row of 30 floats as an Open "
    "Inference JSON body.",
    subjects=(
        "modelport",
        "fastapi-joblib",
        "mlserver",
        "fastapi-ort",
        "triton",
        "litserve",
        "bentoml",
        "noop",
        "runtime-only",
    ),
    columns=COLUMNS,
    compared="req/s @32",
    aims=(
        _times("fastapi-joblib", "FastAPI + joblib, 32 connections", 45),
        _times("mlserver", "MLServer, 32 connections", 40),
        _times("fastapi-ort", "FastAPI + ONNX Runtime, 32 connections", 8),
        _times("triton", "Triton with its Python backend, 32 connections", 4),
        _times("noop", "the no-op floor, 32 connections", 0.33),
        Aim(
            "p50 at 1 connection at most 0.40 of FastAPI + ONNX Runtime",
            Measure("modelport", "p50 ms @1"),
            Measure("fastapi-ort", "p50 ms @1"),
            "<=",
            0.40,
        ),
    ),
    run=run,
)
