"""All scenarios, in the order in which they are listed and reported."""

from __future__ import annotations

from benchmarks.failure import BenchmarkError
from benchmarks.scenario import Scenario
from benchmarks.scenarios import (
    one_row_forest,
    one_row_logistic,
    overload,
    start_and_memory,
    tail_latency,
    telemetry,
    text_encoder,
    text_linear,
)

SCENARIOS: dict[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        one_row_logistic,
        one_row_forest,
        text_linear,
        text_encoder,
        start_and_memory,
        telemetry,
        tail_latency,
        overload,
    )
}


def named(name: str) -> Scenario:
    """The scenario of that name; raises `BenchmarkError` listing the names there are."""
    if name not in SCENARIOS:
        msg = f"{name!r} is no scenario; there are {', '.join(SCENARIOS)}"
        raise BenchmarkError(msg)
    return SCENARIOS[name]
