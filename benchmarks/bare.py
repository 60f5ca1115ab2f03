"""The model without a server: ONNX Runtime called in a loop, in an environment and process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from benchmarks import env
from benchmarks.answers import Answer, verify
from benchmarks.failure import BenchmarkError
from benchmarks.fixtures import Fixture, checks
from benchmarks.places import PEERS, WORK
from benchmarks.scenario import Timing

ROWS = 32
"""Rows per call beside one row: what 32 connections can become."""


def bare(made: Fixture, timing: Timing) -> Mapping[str, float]:
    """Rows per second and latency of a call with 1 and with 32 rows, under the names of the closed loop."""
    one, many = _loop(made, timing, 1), _loop(made, timing, ROWS)
    return {
        "p50 ms @1": one["p50"],
        "p99 ms @1": one["p99"],
        "req/s @1": one["rate"],
        f"p50 ms @{ROWS}": many["p50"],
        f"p99 ms @{ROWS}": many["p99"],
        f"req/s @{ROWS}": many["rate"],
    }


def encoder_alone(made: Fixture, timing: Timing) -> Mapping[str, float]:
    """Texts per second of an encoder, one thread, in the grouping that is best for these texts."""
    arguments = [str(made.folder), str(timing.warm), str(timing.measured)]
    seen = _called("texts.py", arguments, timing)
    _check(seen, made)
    return {f"req/s @{ROWS}": seen["rate"]}


def _loop(made: Fixture, timing: Timing, rows: int) -> dict[str, float]:
    WORK.mkdir(parents=True, exist_ok=True)
    requests = WORK / "rows.json"
    requests.write_text(json.dumps(checks(made).items))
    arguments = [str(made.folder), str(requests), str(timing.warm), str(timing.measured), str(rows)]
    seen = _called("loop.py", arguments, timing)
    _check(seen, made)
    return {metric: seen[metric] for metric in ("rate", "p50", "p99")}


def _called(program: str, arguments: list[str], timing: Timing) -> dict[str, Any]:
    """What a program of the bare runtime's environment prints, run on the server's core."""
    name = "runtime-only"
    pinned = [
        "taskset",
        "-c",
        str(timing.server_core),
        str(env.interpreter(name)),
        str(PEERS / name / program),
    ]
    done = subprocess.run([*pinned, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"the bare runtime failed:\n{done.stderr[-2000:]}"
        raise BenchmarkError(msg)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def _check(seen: dict[str, Any], made: Fixture) -> None:
    told = checks(made)
    for place, answer in enumerate(zip(seen["labels"], seen["probabilities"], strict=True)):
        verify(Answer(answer[0], tuple(answer[1])), told, place)
