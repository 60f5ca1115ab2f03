"""An open loop at half of capacity: the tail callers see, with one endpoint and with a thousand."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import CHECKED, bodies, loaded
from benchmarks.fixtures import CHECKS, fixture
from benchmarks.openloop import Job, open_loop
from benchmarks.peers import named
from benchmarks.process import Running, running
from benchmarks.rounds import interleaved
from benchmarks.scenario import Column, Scenario, Timing

SHARE = 0.5
"""Of the rate that the first subject reaches in a closed loop at 32 connections."""


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """The same rate for every subject: half of what the first one can do."""
    rate = SHARE * _capacity(subjects[0], timing)
    print(f"  open loop at {rate:,.0f} requests a second", flush=True)

    def measure(name: str, timing: Timing) -> Mapping[str, float]:
        with running(named(name), fixture("logistic"), core=timing.server_core, port=timing.port) as server:
            server.check(CHECKED)
            seen = open_loop(_job(server, rate, timing), core=timing.load_core)
            server.check(CHECKED)
        return {"p50 ms": seen.p50, "p99 ms": seen.p99, "late p99 ms": seen.late, "req/s": seen.rate}

    return interleaved(subjects, timing, measure)


def _capacity(name: str, timing: Timing) -> float:
    with running(named(name), fixture("logistic"), core=timing.server_core, port=timing.port) as server:
        return loaded(server, 1, 32, timing).rate


def _job(server: Running, rate: float, timing: Timing) -> Job:
    contents = bodies(server.target.fixture, CHECKS)
    return Job(
        port=server.target.port,
        rate=rate,
        warm=timing.warm,
        measured=timing.measured,
        headers=tuple(server.target.launch.headers.items()),
        paths=server.target.launch.paths,
        bodies=tuple(content.decode() for content in contents),
    )


SCENARIO = Scenario(
    name="tail-latency",
    title="Tail latency, open loop at half of capacity",
    about="Logistic regression, requests at random (Poisson) times at half of the rate reached in a closed "
    "loop, whatever the answers take; latency counts from the time a request was due. The no-op server under "
    "the same load shows the generator's own share, and `late` how late the generator itself was.",
    subjects=("modelport", "modelport-many", "noop"),
    columns=(
        Column("req/s", "req/s"),
        Column("p50 ms", "p50, ms"),
        Column("p99 ms", "p99, ms"),
        Column("late p99 ms", "generator late, p99, ms"),
    ),
    compared="p99 ms",
    aims=(
        Aim(
            "p99 at most 3 times p50",
            Measure("modelport", "p99 ms"),
            Measure("modelport", "p50 ms"),
            "<=",
            3.0,
        ),
        Aim(
            "p50 over 1,000 endpoints within 10 % of one",
            Measure("modelport-many", "p50 ms"),
            Measure("modelport", "p50 ms"),
            "<=",
            1.10,
        ),
        Aim(
            "p99 over 1,000 endpoints within 10 % of one",
            Measure("modelport-many", "p99 ms"),
            Measure("modelport", "p99 ms"),
            "<=",
            1.10,
        ),
    ),
    run=run,
)
