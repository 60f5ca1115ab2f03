"""Texts of 200 characters through TF-IDF and a linear model: what our own vectorizer is worth."""

from __future__ import annotations

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import COLUMNS, closed_loop
from benchmarks.fixtures import CHECKS
from benchmarks.rounds import interleaved
from benchmarks.scenario import Scenario, Timing


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """Different texts in turn, one per request."""
    return interleaved(subjects, timing, closed_loop("text", items=CHECKS))


SCENARIO = Scenario(
    name="text-linear",
    title="TF-IDF + linear, 200-character texts",
    about="TfidfVectorizer with 1- and 2-grams and 50,000 terms + LogisticRegression with four classes, "
    "fitted on documentation prose; 64 different texts of 200 characters in turn, one per request.",
    subjects=("modelport", "fastapi-joblib", "mlserver", "litserve", "bentoml"),
    columns=COLUMNS,
    compared="req/s @32",
    aims=(
        Aim(
            "at least 10 times FastAPI + joblib, 32 connections",
            Measure("modelport", "req/s @32"),
            Measure("fastapi-joblib", "req/s @32"),
            ">=",
            10,
        ),
    ),
    run=run,
)
