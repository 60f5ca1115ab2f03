"""Five times more than there is capacity for: what is still answered, how fast the rest is refused."""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks.aims import Aim, Measure, Series
from benchmarks.closed import bodies, requests
from benchmarks.fixtures import CHECKS, fixture
from benchmarks.flood import Flood, Phase, flood, part, recovery
from benchmarks.load import wrk
from benchmarks.openloop import Job
from benchmarks.peers import named
from benchmarks.process import Running, running
from benchmarks.rounds import interleaved
from benchmarks.scenario import Column, Scenario, Timing

TIMES = 5.0
CALM = 0.5
"""Share of the peak before and after the flood."""
AFTER = 8.0
"""Seconds of calm after the flood: recovery has to show within them."""


def run(subjects: tuple[str, ...], timing: Timing) -> Series:
    """Peak in a closed loop, then calm, flood and calm in an open one."""

    def measure(name: str, timing: Timing) -> Mapping[str, float]:
        with running(named(name), fixture("logistic"), core=timing.server_core, port=timing.port) as server:
            return _flooded(server, _peak(server, timing), timing)

    return interleaved(subjects, timing, measure)


def _peak(server: Running, timing: Timing) -> float:
    """Of a closed loop at 32 connections; what its warm-up left in the queue is let go of first."""
    lua = requests(server, 1)
    wrk(server.target.port, lua, connections=32, seconds=timing.warm, core=timing.load_core)
    time.sleep(1.0)
    return wrk(server.target.port, lua, connections=32, seconds=timing.measured, core=timing.load_core).rate


def _flooded(server: Running, peak: float, timing: Timing) -> Mapping[str, float]:
    calm = CALM * peak
    phases = (Phase(calm, timing.warm), Phase(TIMES * peak, timing.measured), Phase(calm, AFTER))
    told = flood(Flood(_job(server), phases), core=timing.load_core)
    before, during = (part(told, phases, place) for place in (0, 1))
    return {
        "peak req/s": peak,
        "goodput req/s": during.goodput,
        "p99 ms": during.p99,
        "calm p99 ms": before.p99,
        "refused %": 100 * during.refused,
        "refusal p99 ms": during.refusal_p99,
        "recovery s": recovery(told, phases[0].seconds + phases[1].seconds, 2 * before.p99),
    }


def _job(server: Running) -> Job:
    return Job(
        port=server.target.port,
        rate=0.0,
        warm=0.0,
        measured=0.0,
        headers=tuple(server.target.launch.headers.items()),
        paths=server.target.launch.paths,
        bodies=tuple(content.decode() for content in bodies(server.target.fixture, CHECKS)),
    )


SUBJECT = "modelport-slow"

SCENARIO = Scenario(
    name="overload",
    title="Overload, five times the peak",
    about="A model that takes 5 ms a row and no batches, so that the load generator is not the limit, with "
    "--queue-target 0.1. The peak is what 32 connections reach in a closed loop; then requests come at "
    "random (Poisson) times at half of the peak, at five times the peak, and at half of it again. Latency "
    "counts from the time a request was due. Recovery is the time after the flood until nine in ten requests "
    "of a whole second are answered within twice the calm 99th percentile.",
    subjects=(SUBJECT,),
    columns=(
        Column("peak req/s", "peak, req/s"),
        Column("goodput req/s", "answered under overload, req/s"),
        Column("p99 ms", "their p99, ms"),
        Column("calm p99 ms", "p99 before, ms"),
        Column("refusal p99 ms", "refusal p99, ms"),
        Column("recovery s", "recovery, s"),
    ),
    compared=None,
    aims=(
        Aim(
            "goodput at 5 times the peak at least 0.85 of the peak",
            Measure(SUBJECT, "goodput req/s"),
            Measure(SUBJECT, "peak req/s"),
            ">=",
            0.85,
        ),
        Aim("refusals in less than 10 ms, p99", Measure(SUBJECT, "refusal p99 ms"), None, "<=", 10.0),
        Aim("back to normal within 5 s", Measure(SUBJECT, "recovery s"), None, "<=", 5.0),
    ),
    run=run,
)
