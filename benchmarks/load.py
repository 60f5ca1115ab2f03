"""Closed-loop load: `wrk` on a core of its own, its report read back as numbers, ratios of such numbers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.failure import BenchmarkError

_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_QUANTILE = re.compile(r"^\s+(50|75|90|99)%\s+([\d.]+)(us|ms|s|m|h)\s*$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)\s*$", re.MULTILINE)
_COUNT = re.compile(r"^\s+(\d+) requests in ", re.MULTILINE)
PATIENCE = "30s"
"""A server that takes 25 ms a request keeps the last of 32 waiting for longer than wrk's own two seconds."""
_SOCKET = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw.

    Attributes:
        requests: answered requests.
        rate: requests per second.
        p50, p99: latency in milliseconds.
        failed: socket errors and answers other than 2xx and 3xx.
    """

    requests: int
    rate: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the smallest and largest value."""

    median: float
    low: float
    high: float


def parse(report: str) -> Load:
    """Read what `wrk --latency` prints; raises `BenchmarkError` when a part is missing."""
    quantiles = {int(q): float(value) * _MILLISECONDS[unit] for q, value, unit in _QUANTILE.findall(report)}
    rate, count = _RATE.search(report), _COUNT.search(report)
    if rate is None or count is None or not {50, 99} <= quantiles.keys():
        msg = f"wrk printed no report:\n{report[-1000:]}"
        raise BenchmarkError(msg)
    return Load(int(count[1]), float(rate[1]), quantiles[50], quantiles[99], _failures(report))


def _failures(report: str) -> int:
    sockets, refused = _SOCKET.search(report), _REFUSED.search(report)
    return sum(map(int, sockets.groups() if sockets else ())) + (int(refused[1]) if refused else 0)


def spread(values: Sequence[float]) -> Spread:
    """Median, smallest and largest."""
    return Spread(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The spread of ours to theirs, round by round: rounds are neighbours in time, so drift cancels out.

    Raises `ValueError` when the rounds do not pair up.
    """
    return spread([a / b for a, b in zip(ours, theirs, strict=True)])


def script(bodies: Sequence[bytes], path: str, headers: Mapping[str, str]) -> str:
    """The Lua script that makes wrk POST the bodies in turn."""
    lines = ['wrk.method = "POST"', f"wrk.path = {_lua(path)}"]
    lines += [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in headers.items()]
    if len(bodies) == 1:
        return "\n".join([*lines, f"wrk.body = {_lua(bodies[0].decode())}"]) + "\n"
    table = ",\n".join(_lua(body.decode()) for body in bodies)
    return "\n".join([*lines, f"local bodies = {{\n{table}\n}}", _IN_TURN]) + "\n"


_IN_TURN = """local requests, turn = {}, 0
init = function()
  for place, body in ipairs(bodies) do requests[place] = wrk.format(nil, nil, nil, body) end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end"""


def _lua(text: str) -> str:
    """A Lua string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def wrk(port: int, lua: Path, *, connections: int, seconds: float, core: int) -> Load:
    """Load 127.0.0.1:port from one pinned thread. Raises `BenchmarkError` on any failed request."""
    if shutil.which("wrk") is None:
        msg = "wrk is not installed; Debian and Ubuntu have it as the package wrk"
        raise BenchmarkError(msg)
    command = [
        "taskset",
        "-c",
        str(core),
        "wrk",
        "--latency",
        "-t1",
        f"-c{connections}",
        "--timeout",
        PATIENCE,
    ]
    command += [f"-d{max(1, round(seconds))}s", "-s", str(lua), f"http://127.0.0.1:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    seen = parse(done.stdout + done.stderr)
    if seen.failed:
        msg = f"{seen.failed} of {seen.requests} requests failed under load"
        raise BenchmarkError(msg)
    return seen
