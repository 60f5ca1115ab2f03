"""An open loop in phases, in which requests may be refused: what comes of more load than can be carried."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from benchmarks.failure import BenchmarkError
from benchmarks.openloop import Generator, Job
from benchmarks.places import ROOT

WINDOW = 0.5
"""Seconds."""
TOLERATED = 0.1
"""Share of requests that may be late in a window that counts as normal: a machine has other things to do."""

Times = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Phase:
    """Requests per second on average, for so many seconds."""

    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Flood:
    """What to send: the requests of `job`, whose own rate and times are not used, phase by phase."""

    job: Job
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Of every request: when it was due and when it was answered, in seconds, and whether with 200."""

    due: tuple[float, ...]
    done: tuple[float, ...]
    ok: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What came of the requests of one phase.

    Attributes:
        goodput: answers with 200 per second, those that came within the phase.
        refused: share of requests that were refused.
        p99, refusal_p99: latency of answered and of refused requests in milliseconds; nan without any.
    """

    goodput: float
    refused: float
    p99: float
    refusal_p99: float


def flood(wanted: Flood, *, core: int) -> Told:
    """Run it in a pinned process; raises `BenchmarkError` when a request is not answered at all."""
    command = ("taskset", "-c", str(core), sys.executable, "-m", "benchmarks.flood")
    given = msgspec.json.encode(wanted)
    done = subprocess.run(command, input=given, capture_output=True, check=False, cwd=ROOT)
    if done.returncode:
        msg = f"the flood failed:\n{done.stderr.decode(errors='replace')[-2000:]}"
        raise BenchmarkError(msg)
    return msgspec.json.decode(done.stdout, type=Told)


def arrivals(phases: Sequence[Phase], seed: int = 0) -> Times:
    """Due times in seconds: a Poisson process whose rate changes from phase to phase."""
    chance, start, parts = np.random.default_rng(seed), 0.0, []
    for phase in phases:
        count = int(phase.rate * phase.seconds * 1.2) + 100
        due = np.cumsum(chance.exponential(1 / phase.rate, count))
        parts.append(start + due[due < phase.seconds])
        start += phase.seconds
    return np.concatenate(parts)


def part(told: Told, phases: Sequence[Phase], place: int) -> Part:
    """What came of one phase."""
    begin = sum(phase.seconds for phase in phases[:place])
    end = begin + phases[place].seconds
    due, done, ok = np.asarray(told.due), np.asarray(told.done), np.asarray(told.ok)
    inside = (due >= begin) & (due < end)
    took = 1e3 * (done - due)
    good = ok & (done >= begin) & (done < end)
    return Part(
        float(good.sum() / phases[place].seconds),
        float((inside & ~ok).sum() / max(1, inside.sum())),
        _p99(took[inside & ok]),
        _p99(took[inside & ~ok]),
    )


def recovery(told: Told, since: float, normal: float) -> float:
    """Seconds after `since` until requests are answered within `normal` milliseconds again.

    Looked at in windows of half a second: normal are two in a row with at most a tenth refused or later.
    Infinite when there are none.
    """
    due, done, ok = np.asarray(told.due), np.asarray(told.done), np.asarray(told.ok)
    late = ~ok | (1e3 * (done - due) > normal)
    windows = np.floor((due - since) / WINDOW).astype(int)
    good = [bool(np.mean(late[windows == place]) <= TOLERATED) for place in range(windows.max() + 1)]
    normal_at = (place for place, pair in enumerate(pairwise(good)) if all(pair))
    return WINDOW * next(normal_at, float("inf"))


def _p99(values: Times) -> float:
    return float(np.percentile(values, 99)) if len(values) else float("nan")


def main() -> None:
    """Read a flood from standard input, print what came of it as JSON."""
    import uvloop

    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Flood)
    generator = Generator(wanted.job, arrivals(wanted.phases))
    gc.disable()  # a collection would be taken for the server's latency
    uvloop.run(generator.run(wanted.job.port, patience=30.0))
    missing = len(generator.due) - generator.finished
    if missing or generator.lost:
        sys.exit(f"{missing} without an answer, {generator.lost} connections lost")
    told = Told(tuple(generator.due), tuple(generator.done.tolist()), tuple(generator.ok.tolist()))
    sys.stdout.buffer.write(msgspec.json.encode(told))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
