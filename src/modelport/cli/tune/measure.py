"""A setting, measured: the real server in processes of its own, loaded by another process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle.reader import open_bundle
from modelport.cli.quickstart import load
from modelport.cli.quickstart.child import Served, serving
from modelport.cli.tune.items import answered, items_of
from modelport.cli.tune.space import Point, Setting, Tried, goes_on, ladder
from modelport.core.manifest import Parameters
from modelport.core.names import check_name
from modelport.core.plan import BASIS_POINTS, EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec

_NAME = "tuned"
_WARM = 0.2
"""Seconds of load before anything is counted."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle to measure: where it is, its parameters, what to ask it."""

    path: Path
    parameters: Parameters
    items: tuple[Any, ...]


def candidate(path: Path, sample: Path | None, labels_column: str | None) -> Candidate:
    """The bundle at `path` with its items."""
    with open_bundle(path) as bundle:
        items = tuple(items_of(bundle, sample, labels_column))
        return Candidate(path, bundle.manifest.parameters, items)


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures settings of these bundles; `target_ms` ends a climb."""

    candidates: Sequence[Candidate]
    target_ms: float
    _bodies: dict[int, list[bytes]] = field(default_factory=dict)  # of each bundle, once a server has sieved

    def measure(self, setting: Setting, connections: Sequence[int] | None, seconds: float) -> Tried:
        """Serve with the setting, and load it with so many callers, or with more and more of them."""
        with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
            options = self._options(setting, Path(folder, "plan.json"))
            with serving([], Path(folder, "server.log"), *options) as served:
                return Tried(setting, self._points(served, setting, connections, seconds))

    def _points(
        self, served: Served, setting: Setting, connections: Sequence[int] | None, seconds: float
    ) -> tuple[Point, ...]:
        bodies = self._sieved(served, setting.bundle)
        _load(served, bodies, 2, _WARM)
        points: list[Point] = []
        for count in connections or ladder():
            points.append(_load(served, bodies, count, seconds))
            if connections is None and not goes_on(points, self.target_ms):
                break
        return tuple(points)

    def _sieved(self, served: Served, bundle: int) -> list[bytes]:
        """Requests with the items that the bundle answers, found out once."""
        if bundle not in self._bodies:
            items = answered(served.url, _NAME, self.candidates[bundle].items)
            self._bodies[bundle] = [msgspec.json.encode({"input": item}) for item in items]
        return self._bodies[bundle]

    def _options(self, setting: Setting, document: Path) -> tuple[str, ...]:
        document.write_bytes(msgspec.json.encode(self._plan(setting)))
        return (
            *("--plan", str(document), "--workers", str(setting.workers)),
            *("--threads", str(setting.threads), "--intra-op", str(setting.intra_op)),
        )

    def _plan(self, setting: Setting) -> ServingPlan:
        chosen = self.candidates[setting.bundle]
        parameters = msgspec.structs.replace(chosen.parameters, batch_size=setting.batch_size)
        slot = SlotSpec(
            f"{_NAME}:1",
            check_name(_NAME),
            1,
            str(chosen.path.resolve()),
            parameters=parameters,
            instances=setting.instances,
        )
        route = Route((Share(slot.id, BASIS_POINTS),))
        return ServingPlan(Revision(0, 1), (slot,), (EndpointSpec(_NAME, route),))


def _load(served: Served, bodies: Sequence[bytes], connections: int, seconds: float) -> Point:
    seen = load.measure(served.url, f"/v1/models/{_NAME}/predict", bodies, connections, seconds)
    return Point(connections, seen.answered, seen.rate, seen.p50_ms, seen.p99_ms, seen.failed)
