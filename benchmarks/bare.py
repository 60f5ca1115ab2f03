"""The model without a server: ONNX Runtime called in a loop, in an environment and process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

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


def _loop(made: Fixture, timing: Timing, rows: int) -> dict[str, float]:
    told = checks(made)
    WORK.mkdir(parents=True, exist_ok=True)
    requests = WORK / "rows.json"
    requests.write_text(json.dumps(told.items))
    name = "runtime-only"
    command = [
        "taskset",
        "-c",
        str(timing.server_core),
        str(env.interpreter(name)),
        str(PEERS / name / "loop.py"),
    ]
    command += [str(made.folder), str(requests), str(timing.warm), str(timing.measured), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"the bare runtime failed:\n{done.stderr[-2000:]}"
        raise BenchmarkError(msg)
    seen = json.loads(done.stdout)
    for place, answer in enumerate(zip(seen["labels"], seen["probabilities"], strict=True)):
        verify(Answer(answer[0], tuple(answer[1])), told, place)
    return {metric: seen[metric] for metric in ("rate", "p50", "p99")}
