"""Texts of 5 to 200 tokens through a transformer: what batching by length and int8 are worth."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace

from benchmarks.aims import Aim, Measure, Series
from benchmarks.bare import encoder_alone
from benchmarks.closed import closed_loop
from benchmarks.fixtures import checks, fixture
from benchmarks.modelport import graph
from benchmarks.peers import RUNTIME_ONLY
from benchmarks.rounds import interleaved
from benchmarks.scenario import Column, Scenario, Timing

TEXTS = 160
RATE = "req/s @32"
_SLOWER = 5
"""A text takes tens of milliseconds: all texts should be sent several times while it is measured."""


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """Different texts in turn, one per request, always 32 of them waiting."""
    longer = replace(timing, warm=timing.warm * _SLOWER, measured=timing.measured * _SLOWER)
    _lend_graph()
    served = closed_loop("encoder", items=TEXTS, connections=(32,))

    def measure(name: str, timing: Timing) -> Mapping[str, float]:
        if name == RUNTIME_ONLY:
            return encoder_alone(fixture("encoder"), timing)
        return served(name, timing)

    return interleaved(subjects, longer, measure)


def _lend_graph() -> None:
    """Servers without a compiler, and the runtime alone, run the graph that ours made of the encoder."""
    made = fixture("encoder")
    shutil.copyfile(graph(made), made.folder / "model.onnx")
    (made.folder / "classes.txt").write_text("\n".join(map(str, checks(made).classes)))


SCENARIO = Scenario(
    name="text-encoder",
    title="MiniLM classifier, texts of 5 to 200 tokens, saturated",
    about="all-MiniLM-L6-v2 (6 layers, 384 wide), mean pooling and a logistic regression on top; 160 texts "
    "of evenly spread length in turn, one per request, 32 connections, one core. The runtime alone computes "
    "the same texts without a server, one by one and in sorted batches of 2 to 16; the best of these counts.",
    subjects=("modelport", "modelport-int8", "fastapi-torch", "arrival-order", RUNTIME_ONLY),
    columns=(Column("p50 ms @32", "p50, ms"), Column("p99 ms @32", "p99, ms"), Column(RATE, "texts/s")),
    compared=RATE,
    aims=(
        Aim(
            "at least 0.95 of ONNX Runtime alone in the best grouping there is",
            Measure("modelport", RATE),
            Measure(RUNTIME_ONLY, RATE),
            ">=",
            0.95,
        ),
        Aim(
            "at least 1.4 times FastAPI + PyTorch",
            Measure("modelport", RATE),
            Measure("fastapi-torch", RATE),
            ">=",
            1.4,
        ),
        Aim(
            "at least 1.8 times a server that batches in order of arrival",
            Measure("modelport", RATE),
            Measure("arrival-order", RATE),
            ">=",
            1.8,
        ),
        Aim(
            "int8 at least 1.6 times our float32",
            Measure("modelport-int8", RATE),
            Measure("modelport", RATE),
            ">=",
            1.6,
        ),
    ),
    run=run,
)
