"""Who is measured, as data: where each one's server is, what it can serve, how it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import env
from benchmarks.answers import TOLERANCE, Dialect, open_inference, plain
from benchmarks.failure import BenchmarkError
from benchmarks.fixtures import Fixture, Task
from benchmarks.places import PEERS

ROUTE = "/v2/models/bench/infer"


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a server for one fixture.

    Attributes:
        command: the argument list.
        environment: variables added to ours.
        headers: what a request needs besides its body, an API key for instance.
        paths: the routes of the model; most servers have one.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = (ROUTE,)


Starter = Callable[[Fixture, int, Path], Launch]
"""Makes the launch for a fixture, a port of 127.0.0.1 and an empty scratch folder."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server under test.

    Attributes:
        name: as typed on the command line.
        title: as printed in tables.
        launch: how to start it.
        versions: distribution and version of what matters.
        tasks: fixtures it can serve.
        dialect: how it answers; None for a constant, which is not checked.
        tolerance: largest difference of a probability from the original's.
    """

    name: str
    title: str
    launch: Starter
    versions: Mapping[str, str]
    tasks: frozenset[Task] = frozenset({"rows"})
    dialect: Dialect | None = open_inference
    tolerance: float = TOLERANCE


def _script(name: str) -> Starter:
    def launch(fixture: Fixture, port: int, work: Path) -> Launch:
        variables = {
            "BENCH_MODEL": str(fixture.folder),
            "BENCH_TASK": fixture.task,
            "BENCH_PORT": str(port),
            "BENCH_WORK": str(work),
            "PATH": f"{env.interpreter(name).parent}{os.pathsep}{os.environ['PATH']}",
        }
        return Launch((str(env.interpreter(name)), str(PEERS / name / "server.py")), variables)

    return launch


def _versions(name: str, *distributions: str) -> dict[str, str]:
    pins = env.pins(name)
    return {each: pins[each] for each in distributions}


_BOTH: frozenset[Task] = frozenset({"rows", "text"})

FOREIGN: tuple[Peer, ...] = (
    Peer(
        "fastapi-joblib",
        "FastAPI + joblib",
        _script("fastapi-joblib"),
        _versions("fastapi-joblib", "fastapi", "uvicorn", "scikit-learn"),
        _BOTH,
        plain,
    ),
    Peer(
        "fastapi-ort",
        "FastAPI + ONNX Runtime",
        _script("fastapi-ort"),
        _versions("fastapi-ort", "fastapi", "uvicorn", "onnxruntime"),
        dialect=plain,
    ),
    Peer(
        "mlserver",
        "MLServer",
        _script("mlserver"),
        _versions("mlserver", "mlserver", "mlserver-sklearn", "scikit-learn"),
        _BOTH,
    ),
    Peer(
        "litserve",
        "LitServe",
        _script("litserve"),
        _versions("litserve", "litserve", "scikit-learn"),
        _BOTH,
        plain,
    ),
    Peer(
        "bentoml",
        "BentoML",
        _script("bentoml"),
        _versions("bentoml", "bentoml", "scikit-learn"),
        _BOTH,
        plain,
    ),
    Peer(
        "triton",
        "Triton, Python backend",
        _script("triton"),
        _versions("triton", "nvidia-pytriton", "onnxruntime"),
    ),
    Peer(
        "fastapi-torch",
        "FastAPI + PyTorch",
        _script("fastapi-torch"),
        _versions("fastapi-torch", "fastapi", "torch", "transformers"),
        frozenset({"encoder"}),
        plain,
    ),
    Peer(
        "arrival-order",
        "LitServe + ONNX Runtime, batches in order of arrival",
        _script("arrival-order"),
        _versions("arrival-order", "litserve", "onnxruntime", "tokenizers"),
        frozenset({"encoder"}),
        plain,
    ),
    Peer(
        "noop",
        "no-op answer (the transport's floor)",
        _script("noop"),
        _versions("noop", "httptools", "uvloop"),
        _BOTH,
        None,
    ),
)

RUNTIME_ONLY = "runtime-only"
"""ONNX Runtime in a loop: no server, so it is called and not loaded (see `bare.py`)."""


def known() -> dict[str, Peer]:
    """Every server under test by name, ours first."""
    from benchmarks import modelport

    return {peer.name: peer for peer in (*modelport.VARIANTS, *FOREIGN)}


def named(name: str) -> Peer:
    """The peer of that name; raises `BenchmarkError` listing the names there are."""
    peers = known()
    if name not in peers:
        msg = f"{name!r} is no peer; there are {', '.join([*peers, RUNTIME_ONLY])}"
        raise BenchmarkError(msg)
    return peers[name]
