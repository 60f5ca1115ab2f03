"""A closed loop of one-item requests at 1 and at 32 connections: the measurement most scenarios share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.answers import body
from benchmarks.bare import bare
from benchmarks.fixtures import Fixture, checks, fixture
from benchmarks.load import Load, script, wrk
from benchmarks.peers import RUNTIME_ONLY, named
from benchmarks.places import WORK
from benchmarks.process import Running, running
from benchmarks.rounds import Measurement
from benchmarks.scenario import Column, Timing

CHECKED = 8
"""Items whose answers are compared before and after the load."""

COLUMNS = (
    Column("p50 ms @1", "1 connection: p50, ms"),
    Column("req/s @1", "1 connection: req/s"),
    Column("p50 ms @32", "32 connections: p50, ms"),
    Column("p99 ms @32", "32 connections: p99, ms"),
    Column("req/s @32", "32 connections: req/s"),
)


def closed_loop(fixture_name: str, *, items: int, connections: tuple[int, ...] = (1, 32)) -> Measurement:
    """Measures a peer with the first `items` items of a fixture sent in turn."""

    def measure(name: str, timing: Timing) -> Mapping[str, float]:
        made = fixture(fixture_name)
        if name == RUNTIME_ONLY:
            return bare(made, timing)
        with running(named(name), made, core=timing.server_core, port=timing.port) as server:
            server.check(CHECKED)
            seen = {count: loaded(server, items, count, timing) for count in connections}
            server.check(CHECKED)
        return {
            metric: value for count, load in seen.items() for metric, value in _metrics(count, load).items()
        }

    return measure


def loaded(server: Running, items: int, connections: int, timing: Timing) -> Load:
    """Warm up, then measure, at one number of connections."""
    lua = requests(server, items)
    wrk(server.target.port, lua, connections=connections, seconds=timing.warm, core=timing.load_core)
    return wrk(
        server.target.port, lua, connections=connections, seconds=timing.measured, core=timing.load_core
    )


def requests(server: Running, items: int) -> Path:
    """The wrk script that sends the first `items` items to this server, on disk."""
    headers = {"Content-Type": "application/json", **server.target.launch.headers}
    path = WORK / f"{server.target.peer.name}.lua"
    path.write_text(script(bodies(server.target.fixture, items), server.target.launch.paths[0], headers))
    return path


def bodies(made: Fixture, items: int) -> list[bytes]:
    """The request bodies of the first items."""
    return [body(made.task, item) for item in checks(made).items[:items]]


def _metrics(connections: int, load: Load) -> dict[str, float]:
    return {
        f"p50 ms @{connections}": load.p50,
        f"p99 ms @{connections}": load.p99,
        f"req/s @{connections}": load.rate,
    }
