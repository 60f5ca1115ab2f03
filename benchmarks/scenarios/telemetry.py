"""What watching costs: metrics, counters and the join record on against off, and kept payloads on top."""

from __future__ import annotations

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import COLUMNS, closed_loop
from benchmarks.rounds import interleaved
from benchmarks.scenario import Scenario, Timing


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """The request of `one-row-logistic`."""
    return interleaved(subjects, timing, closed_loop("logistic", items=1))


def _share(subject: str, text: str, bound: float) -> Aim:
    metric = "req/s @32"
    return Aim(text, Measure(subject, metric), Measure("modelport-bare", metric), ">=", bound)


SCENARIO = Scenario(
    name="telemetry",
    title="The price of telemetry",
    about="One row, logistic regression, API key checked in all three: telemetry off; metrics, counters and "
    "the join record on, with a spool on disk; and 1 % of payloads kept on top.",
    subjects=("modelport", "modelport-bare", "modelport-sampled"),
    columns=COLUMNS,
    compared="req/s @32",
    aims=(
        _share("modelport", "on at least 0.95 of off, 32 connections", 0.95),
        _share("modelport-sampled", "with 1 % of payloads kept at least 0.93 of off, 32 connections", 0.93),
    ),
    run=run,
)
