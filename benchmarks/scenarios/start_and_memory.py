"""From exec to the first right answer, and the memory of one worker with a small model."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import CHECKED
from benchmarks.fixtures import CHECKS, fixture
from benchmarks.peers import named
from benchmarks.process import running
from benchmarks.rounds import interleaved
from benchmarks.scenario import Column, Scenario, Timing


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """Each server is started once beforehand, so that files are in the page cache for all alike."""
    for name in subjects:
        _measure(name, timing)
    return interleaved(subjects, timing, _measure)


def _measure(name: str, timing: Timing) -> Mapping[str, float]:
    peer = named(name)
    with running(peer, fixture("logistic"), core=timing.server_core, port=timing.port) as server:
        for _ in range(CHECKED):
            server.check(CHECKS)
        worker, together = server.memory()
        return {"start s": server.ready, "worker MB": worker, "together MB": together}


SCENARIO = Scenario(
    name="start-and-memory",
    title="Start and memory",
    about="Logistic regression, one worker. Start: from exec until the answer equals the original model's, "
    "asked every 5 ms. Memory after 512 requests: resident set of the largest process (the worker), and "
    "proportional set of all processes together.",
    subjects=(
        "modelport",
        "fastapi-ort",
        "mlserver",
        "fastapi-joblib",
        "litserve",
        "bentoml",
        "triton",
        "noop",
    ),
    columns=(
        Column("start s", "first right answer, s"),
        Column("worker MB", "worker, MB"),
        Column("together MB", "all processes, MB"),
    ),
    compared="start s",
    aims=(
        Aim(
            "first right answer no later than FastAPI + ONNX Runtime",
            Measure("modelport", "start s"),
            Measure("fastapi-ort", "start s"),
            "<=",
            1.0,
        ),
        Aim(
            "first right answer at most 0.35 of MLServer",
            Measure("modelport", "start s"),
            Measure("mlserver", "start s"),
            "<=",
            0.35,
        ),
        Aim("one worker at most 120 MB", Measure("modelport", "worker MB"), None, "<=", 120),
    ),
    run=run,
)
