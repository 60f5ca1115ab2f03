"""Ourselves as a peer: packed from the same fixture, with API keys, metrics and telemetry on.

All this package knows of Modelport's command line is in this file.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.answers import TOLERANCE
from benchmarks.failure import BenchmarkError
from benchmarks.fixtures import Fixture
from benchmarks.peers import ROUTE, Launch, Peer, Starter

COMMAND = (sys.executable, "-m", "modelport.cli")
NAME = "bench"
ENDPOINTS = 1000
_KEY = re.compile(r"mp_live_[0-9A-Za-z]{57}")

EVERYTHING = ("--spool", "{work}/spool", "--payload-share", "0")
"""Key check, metrics, counters and the join record on: what a user would have on."""
SAMPLED = ("--spool", "{work}/spool", "--payload-share", "0.01")
BARE = ("--no-telemetry",)


@cache
def bundle(fixture: Fixture, quantize: str = "") -> Path:
    """The fixture's bundle, packed anew in each run: a bundle of yesterday's compiler proves nothing."""
    made = fixture.folder / f"{NAME}{quantize}.bundle"
    shutil.rmtree(made, ignore_errors=True)
    where = ("--name", NAME, "--sample", str(fixture.sample), "--output", str(made))
    precision = ("--quantize", quantize) if quantize else ()
    _modelport("pack", *_source(fixture), *where, *precision)
    return made


def _source(fixture: Fixture) -> tuple[str, ...]:
    if fixture.task == "encoder":
        return (str(fixture.folder / "encoder"), "--head", str(fixture.folder / "head.skops"))
    return (str(fixture.joblib), "--trust-pickle")


def graph(fixture: Fixture) -> Path:
    """The graph of the fixture's bundle: what others run who have no compiler of their own."""
    return bundle(fixture) / "model" / "graph.onnx"


def key(file: Path) -> str:
    """A new key that may call every model, stored in the key file `file`."""
    told = _modelport("keys", "create", "--file", str(file), "--name", NAME, "--scope", "infer:*")
    found = _KEY.search(told)
    if found is None:
        msg = "`modelport keys create` printed no key"
        raise BenchmarkError(msg)
    return found[0]


def plan(fixture: Fixture, endpoints: int) -> dict[str, object]:
    """A plan document that serves one bundle under many names, each a slot of its own."""
    names = _names(endpoints)
    return {
        "revision": {"epoch": 1, "number": 1},
        "slots": [
            {"id": f"{name}:1", "model": name, "version": 1, "bundle": str(bundle(fixture))} for name in names
        ],
        "endpoints": [
            {"name": name, "route": {"shares": [{"slot": f"{name}:1", "weight": 10_000}]}} for name in names
        ],
    }


def _names(endpoints: int) -> list[str]:
    return [f"{NAME}-{place:04d}" for place in range(endpoints)]


def _routes(endpoints: int) -> tuple[str, ...]:
    return tuple(f"/v2/models/{name}/infer" for name in _names(endpoints))


def _serve(options: tuple[str, ...], quantize: str = "") -> Starter:
    def launch(fixture: Fixture, port: int, work: Path) -> Launch:
        return _launch((str(bundle(fixture, quantize)),), options, port, work)

    return launch


def _serve_many(fixture: Fixture, port: int, work: Path) -> Launch:
    document = work / "plan.json"
    document.write_text(json.dumps(plan(fixture, ENDPOINTS)))
    return _launch(("--plan", str(document)), EVERYTHING, port, work, _routes(ENDPOINTS))


def _launch(
    what: tuple[str, ...], options: tuple[str, ...], port: int, work: Path, paths: tuple[str, ...] = (ROUTE,)
) -> Launch:
    keys = work / "keys.json"
    bearer = f"Bearer {key(keys)}"
    extra = tuple(option.format(work=work) for option in options)
    command = (*COMMAND, "serve", *what, "--port", str(port), "--workers", "1", "--keys", str(keys), *extra)
    return Launch(command, headers={"Authorization": bearer}, paths=paths)


def _serve_slow(fixture: Fixture, port: int, work: Path) -> Launch:  # noqa: ARG001 - it has a model of its own
    """A model that takes 5 ms a row, whatever the fixture asks."""
    made = work / "slow.bundle"
    subprocess.run((sys.executable, "-c", _SLOW, str(made), NAME), check=True)
    return _launch((str(made),), (*EVERYTHING, "--queue-target", "0.1"), port, work)


_SLOW = """
import sys
from modelport.bundle.writer import write
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, Step
from modelport.core.signature import Field, Signature
from pathlib import Path

signature = Signature("vector", (Field("input", "FP32", (-1, 30)),), (Field("value", "FP64", (-1,)),))
steps, parameters = (Step("dummy", {"delay_ms": 5.0}),), Parameters(batch_size=1)
manifest = Manifest(FORMAT, "dummy", "regression", signature, None, steps, parameters, ())
write(Path(sys.argv[1]), manifest, About(name=sys.argv[2]), {}, {})
"""


def _modelport(*arguments: str) -> str:
    done = subprocess.run((*COMMAND, *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"`modelport {arguments[0]}` failed:\n{(done.stderr or done.stdout)[-2000:]}"
        raise BenchmarkError(msg)
    return done.stdout


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


_VERSIONS = {each: _version(each) for each in ("modelport", "onnxruntime", "msgspec", "httptools", "uvloop")}


def _variant(name: str, title: str, launch: Starter, tolerance: float = TOLERANCE) -> Peer:
    return Peer(name, title, launch, _VERSIONS, frozenset({"rows", "text", "encoder"}), tolerance=tolerance)


_INT8 = 0.1
"""What 8-bit weights may do to a probability; the accuracy they cost is judged when they are chosen."""

VARIANTS: tuple[Peer, ...] = (
    _variant("modelport", "**Modelport**", _serve(EVERYTHING)),
    _variant("modelport-int8", "Modelport, int8", _serve(EVERYTHING, "int8"), _INT8),
    _variant("modelport-sampled", "Modelport, 1 % of payloads kept", _serve(SAMPLED)),
    _variant("modelport-bare", "Modelport, telemetry off", _serve(BARE)),
    Peer("modelport-slow", "Modelport, a 5 ms model", _serve_slow, _VERSIONS, frozenset({"rows"}), None),
    _variant("modelport-many", f"Modelport, {ENDPOINTS:,} endpoints", _serve_many),
)
