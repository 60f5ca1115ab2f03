"""One row through a random forest of 100 trees: what compiling is worth."""

from __future__ import annotations

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import COLUMNS, closed_loop
from benchmarks.fixtures import CHECKS
from benchmarks.rounds import interleaved
from benchmarks.scenario import Scenario, Timing


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """Different rows in turn, so that no branch of a tree is learnt by heart."""
    return interleaved(subjects, timing, closed_loop("forest", items=CHECKS))


SCENARIO = Scenario(
    name="one-row-forest",
    title="One row, random forest of 100 trees",
    about="Breast-cancer data, RandomForestClassifier(100), 64 different rows in turn, one per request.",
    subjects=("modelport", "fastapi-joblib", "mlserver", "fastapi-ort", "triton", "runtime-only"),
    columns=COLUMNS,
    compared="req/s @32",
    aims=(
        Aim(
            "at least 250 times FastAPI + joblib, 32 connections",
            Measure("modelport", "req/s @32"),
            Measure("fastapi-joblib", "req/s @32"),
            ">=",
            250,
        ),
    ),
    run=run,
)
