"""What to do next about slots: a pure function of what is wanted and what is there.

    wanted -> loading -> warming -> ready -> draining -> gone        any state -> failed

Load before unload: a slot that no plan wants is let go only after no committed endpoint routes to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import msgspec

from modelport.core.plan import ServingPlan, SlotSpec

Action = Literal["load", "retire"]


class Next(msgspec.Struct, frozen=True):
    """One step."""

    action: Action
    slot: SlotSpec


def next_actions(
    plan: ServingPlan, loaded: Mapping[str, SlotSpec], failed: Collection[SlotSpec], routed: Collection[str]
) -> list[Next]:
    """Steps from what is loaded to what `plan` wants; stateless: asking again gives the same.

    `routed` are the slots that committed endpoints answer from. A slot whose spec changed while it is routed
    waits until it no longer is: ids name one bundle for good (`model:version`), so this does not happen in
    plans of a registry, and a plan written by hand is told so (`failed`).
    """
    wanted = {slot.id: slot for slot in plan.slots}
    loads = [
        Next("load", slot)
        for slot in plan.slots
        if not (slot.id in loaded and same(loaded[slot.id], slot)) and slot not in failed
    ]
    gone = (spec for spec in loaded.values() if spec.id not in wanted and spec.id not in routed)
    return loads + [Next("retire", spec) for spec in gone]


def same(loaded: SlotSpec, wanted: SlotSpec) -> bool:
    """Whether a loaded slot can stand for a wanted one without loading again."""
    return loaded == wanted


def routed(routes: Iterable[Iterable[str]]) -> frozenset[str]:
    """All slots of some endpoints."""
    return frozenset(slot for slots in routes for slot in slots)
