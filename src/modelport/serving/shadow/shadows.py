"""Repeats a share of an endpoint's calls at another slot, after they were answered, and compares.

    Mirror (dispatcher of an arm) -> Mirrored (a call of the share) -> its answer leaves
        -> Lane (waits for a quiet moment) -> Repeated, at the shadow -> Comparison

A shadow never answers anybody, delays nobody, and costs no call its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from modelport.core.contract import contract_digest
from modelport.core.fleet import ShadowSeen
from modelport.core.plan import EndpointSpec
from modelport.serving.overload.pressure import Pressure
from modelport.serving.shadow.lane import Keeping, Lane
from modelport.serving.shadow.mirror import Mirror
from modelport.serving.table import LiveSlot


class Shadows:
    """All shadows of one worker: what they have compared outlives the revisions of the plan."""

    def __init__(self, *, pressure: Pressure, keeping: Keeping, loop: asyncio.AbstractEventLoop) -> None:
        self._pressure = pressure
        self._keeping = keeping
        self._loop = loop
        self._lanes: dict[tuple[str, str], Lane] = {}

    def arms(
        self, spec: EndpointSpec, arms: tuple[LiveSlot, ...], slots: Iterable[LiveSlot]
    ) -> tuple[LiveSlot, ...]:
        """The arms of an endpoint as they answer from now on. A shadow of another contract is left out."""
        shares = {share.slot: share.weight for share in spec.route.shadows}
        contract = contract_digest(arms[0].manifest)
        fitting = [slot for slot in slots if contract_digest(slot.manifest) == contract]
        lanes = [self._lane(spec.name, slot, shares[slot.spec.id]) for slot in fitting]
        self._lanes = {at: lane for at, lane in self._lanes.items() if at[0] != spec.name}
        self._lanes |= {(spec.name, lane.slot.spec.id): lane for lane in lanes}
        if not lanes:
            return arms
        for lane in lanes:
            lane.busy = lambda: not all(arm.dispatcher.idle for arm in arms)
        return tuple(replace(arm, dispatcher=Mirror(arm.dispatcher, lanes, self._loop)) for arm in arms)

    def keep(self, endpoints: Iterable[str]) -> None:
        """Forget the shadows of all other endpoints."""
        known = set(endpoints)
        self._lanes = {at: lane for at, lane in self._lanes.items() if at[0] in known}

    def describe(self) -> list[dict[str, Any]]:
        """What `/debug/shadow` says."""
        return [lane.describe() for lane in self._lanes.values()]

    def seen(self) -> tuple[ShadowSeen, ...]:
        """What all shadows were compared on."""
        return tuple(seen for lane in self._lanes.values() for seen in lane.seen())

    def _lane(self, endpoint: str, slot: LiveSlot, share: int) -> Lane:
        lane = self._lanes.get((endpoint, slot.spec.id))
        if lane is None or lane.slot is not slot:
            return Lane(
                endpoint, slot, share, pressure=self._pressure, keeping=self._keeping, loop=self._loop
            )
        lane.share = share
        return lane
