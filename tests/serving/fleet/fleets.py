"""Replicas of a fleet against a small control server, both real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.acceptance.rawclient import Answer, Raw, post

from modelport.bundle.writer import write
from modelport.core.access import AccessSnapshot
from modelport.core.fleet import PlanStatus
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, Step
from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.core.signature import Field, Signature
from modelport.serving.settings import Settings
from modelport.storage.address import artifact_url
from modelport.storage.content import sha256
from modelport.storage.local import LocalStore
from modelport.testing.replica import Replica, eventually, replica

POISON, NONFINITE = 13.0, 7.0


class Control:
    """The server's folder and process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = LocalStore(folder / "store")
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, on the port that it had."""
        (self.folder / "port").unlink(missing_ok=True)
        server = Path(__file__).with_name("control_server.py")
        self._process = subprocess.Popen([sys.executable, str(server), str(self._port), str(self.folder)])
        self._port = int(eventually(lambda: self._read("port")))

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fault(self, kind: str) -> None:
        """Answer like that from now on; empty ends it."""
        (self.folder / "fault").write_text(kind)
        if not kind:
            (self.folder / "fault").unlink()

    def publish(self, plan: ServingPlan) -> None:
        """Have a newer plan."""
        self._replace("plan.json", plan)

    def allow(self, snapshot: AccessSnapshot) -> None:
        """Have other keys."""
        self._replace("access.json", snapshot)

    def register(self, **options: Any) -> str:
        """The URL of a new artifact: a model of two numbers that answers `factor` times their sum."""
        file = bundle(self.folder / "new.zip", **options)
        digest = sha256(file)
        self.store.put(file, digest)
        return artifact_url(self.store.url, digest)

    @property
    def report(self) -> PlanStatus | None:
        """The newest report."""
        data = self._read("report.json")
        return msgspec.json.decode(data, type=PlanStatus) if data else None

    @property
    def reports(self) -> list[PlanStatus]:
        """All reports."""
        lines = self._read("reports.jsonl").splitlines()
        return [msgspec.json.decode(line, type=PlanStatus) for line in lines]

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return b""

    def _replace(self, name: str, document: msgspec.Struct) -> None:
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(msgspec.json.encode(document))
        fresh.replace(self.folder / name)


@contextmanager
def control(folder: Path) -> Iterator[Control]:
    """A control server that is surely gone afterwards."""
    server = Control(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def member(folder: Path, server: Control, **settings: Any) -> Iterator[Replica]:
    """A replica of the fleet, not ready yet."""
    known: dict[str, Any] = {"port": 0, "control_access": False, "replica": "one", "drain_seconds": 3.0}
    known |= {"state": str(folder / "state"), "control": server.url, **settings}
    with replica(folder, Settings(**known)) as running:
        yield running


def bundle(path: Path, *, name: str = "churn", size: int = 2, **options: Any) -> Path:
    """A bundle on disk."""
    signature = Signature("vector", (Field("input", "FP64", (-1, size)),), (Field("value", "FP64", (-1,)),))
    steps = (Step("dummy", options),) if options else ()
    manifest = Manifest(FORMAT, "dummy", "regression", signature, None, steps, Parameters(), ())
    write(path, manifest, About(name, None), {}, {})
    return path


def plan(number: int, slots: dict[str, str], *, epoch: int = 1, salt: str = "", **shares: int) -> ServingPlan:
    """A plan of one endpoint per model; `shares` are basis points by slot, as `churn_1=9000`."""
    specs = []
    for name, url in slots.items():
        model, _, version = name.partition(":")
        specs.append(SlotSpec(name, model, int(version), url))
    models = dict.fromkeys(spec.model for spec in specs)
    endpoints = []
    for model in models:
        own = [spec for spec in specs if spec.model == model]
        default = {spec.id: 10_000 if spec is own[-1] else 0 for spec in own}
        given = {spec.id: shares[key] for spec in own if (key := spec.id.replace(":", "_")) in shares}
        weights = (default | dict.fromkeys(default, 0) | given) if given else default
        route = Route(tuple(Share(slot, weight) for slot, weight in weights.items()), salt=salt)
        endpoints.append(EndpointSpec(model, route))
    return ServingPlan(Revision(epoch, number), tuple(specs), tuple(endpoints))


def ask(running: Replica, *values: float, model: str = "churn", user: str = "", key: str = "") -> Answer:
    """One row."""
    headers = ({"x-user-id": user} if user else {}) | ({"authorization": f"Bearer {key}"} if key else {})
    with Raw(running.url) as raw:
        return raw.ask(post(f"/v1/models/{model}/predict", {"input": list(values)}, **headers))
