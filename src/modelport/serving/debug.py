"""What a worker tells about itself to who looks for a fault: bodies of `/debug/plan` and `/debug/shadow`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from modelport.serving.hosts.dispatcher import HostDispatcher
from modelport.serving.lazy.dispatcher import Lazy
from modelport.serving.lazy.residence import Residence
from modelport.serving.manager import Manager
from modelport.serving.overload.pressure import Pressure
from modelport.serving.replica.messages import SlotReport
from modelport.serving.scaling.scaler import Scaler
from modelport.serving.shadow.shadows import Shadows
from modelport.serving.table import LiveEndpoint


@dataclass(frozen=True, slots=True)
class Debug:
    """Of one worker, by its number: who decides what is served, where models are, and what is given up."""

    worker: int
    manager: Manager
    residence: Residence
    scaler: Scaler
    pressure: Pressure
    shadows: Shadows

    def plan(self, unready: str) -> dict[str, Any]:
        """Body of `/debug/plan`; `unready` is why this replica should get no traffic, or empty."""
        plan, table = self.manager.plan, self.manager.table
        return {
            "worker": self.worker,
            "ready": not unready,
            "reason": unready,
            "revision": str(table.revision),
            "wanted": str(plan.revision) if plan else None,
            "endpoints": {name: _endpoint(live) for name, live in table.endpoints.items()},
            "memory": {"budget": self.residence.budget, "models": self.residence.resident},
            "slots": {name: self._slot(name, told) for name, told in self.manager.report().items()},
            "overload": sorted(self.pressure.active),
        }

    def shadow(self) -> dict[str, Any]:
        """Body of `/debug/shadow`."""
        return {"worker": self.worker, "shadows": self.shadows.describe()}

    def _slot(self, name: str, told: SlotReport) -> dict[str, Any]:
        """What the manager reports of a slot, and its dispatcher of where its model is."""
        known: dict[str, Any] = msgspec.to_builtins(told) | self.scaler.report(name)
        live = self.manager.slot(name)
        if live is None:
            return known
        if isinstance(live.dispatcher, HostDispatcher):
            return known | live.dispatcher.standing.describe()
        if isinstance(live.dispatcher, Lazy):
            return known | self.residence.describe(live.dispatcher)
        return known | {"bytes": live.bytes}


def _endpoint(live: LiveEndpoint) -> dict[str, Any]:
    return {
        "revision": str(live.revision),
        "shares": {share.slot: share.weight for share in live.route.shares},
        "shadows": {share.slot: share.weight for share in live.route.shadows},
    }
