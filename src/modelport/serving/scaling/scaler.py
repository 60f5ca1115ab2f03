"""Lets the instances of in-process slots follow their load, as `instances` decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelport.serving import shared
from modelport.serving.scaling import instances
from modelport.serving.scaling.instances import Bounds, Seen, State
from modelport.serving.shared import Segment
from modelport.serving.table import LiveSlot

_WEIGHT = 0.3
"""Share of a new look in the average of how busy a slot is."""


class Scaler:
    """Of one worker. Owned by the event loop.

    Args:
        cores: how many batches this worker can run at a time.
    """

    def __init__(self, segment: Segment, worker: int, cores: int) -> None:
        self._segment = segment
        self._worker = worker
        self._cores = cores
        self._states: dict[str, State] = {}
        self._computed: dict[str, int] = {}
        self._busy: dict[str, float] = {}
        self._looked = 0.0

    def look(self, slots: Iterable[LiveSlot], now: float) -> None:
        """Decide again for every slot that scales; called a few times a second."""
        past, self._looked = now - self._looked, now
        scaled = [slot for slot in slots if slot.spec.scaling is not None and slot.spec.scaling.auto_scale]
        self._states = {
            slot.spec.id: self._states.get(slot.spec.id, State(slot.dispatcher.instances)) for slot in scaled
        }
        for slot in scaled:
            self._decide(slot, past, now)

    def report(self, slot: str) -> dict[str, Any]:
        """What `/debug/plan` says of a slot."""
        state = self._states.get(slot)
        if state is None:
            return {}
        limited = {"limited_by": state.limit} if state.limit else {}
        return {"instances": state.instances, **limited}

    def limit(self, slot: str) -> str:
        """What keeps a slot from more instances than it has; empty when nothing does."""
        state = self._states.get(slot)
        return state.limit if state is not None else ""

    def _decide(self, slot: LiveSlot, past: float, now: float) -> None:
        name, wanted = slot.spec.id, slot.spec.scaling
        assert wanted is not None
        others = sum(state.instances for other, state in self._states.items() if other != name)
        bounds = Bounds(wanted.min_instances, wanted.max_instances, max(1, self._cores - others))
        wait = slot.dispatcher.wait()
        seen = Seen(0.0 if wait == float("inf") else wait, self._busyness(slot, past))
        state = self._states[name] = instances.decide(self._states[name], seen, bounds, now)
        if slot.dispatcher.instances != state.instances:
            slot.dispatcher.instances = state.instances
        slot.counters.gauge(shared.INSTANCES, slot.dispatcher.instances)

    def _busyness(self, slot: LiveSlot, past: float) -> float:
        """Average share of the slot's instances that computed."""
        name = slot.spec.id
        total = self._segment.cells[self._segment.slot(self._worker, slot.place) + shared.COMPUTE_NS]
        computed = total - self._computed.get(name, total)
        self._computed[name] = total
        share = min(1.0, computed / 1e9 / max(past, 1e-3) / slot.dispatcher.instances)
        known = self._busy.get(name, share)
        self._busy[name] = known + _WEIGHT * (share - known)
        return self._busy[name]
