"""What the reports of a fleet come to: how far a slot is, and whether all answer as they were told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelport.core.fleet import PlanStatus
from modelport.core.plan import Revision
from modelport.core.rollout import SlotSight

SILENT_SECONDS = 10.0
"""A replica that was not heard of for so long is not counted: it answers by itself, but nobody knows how."""

_ANSWERING = frozenset({"ready", "verified"})
"""A lazy slot is verified: its bundle is there and sound, and its model is loaded when it is asked for."""


def live(reports: Iterable[tuple[PlanStatus, float]], now: float) -> list[PlanStatus]:
    """Those reports, given with the time at which they came, that are young enough to go by."""
    return [status for status, seen in reports if now - seen <= SILENT_SECONDS]


def slots(reports: Sequence[PlanStatus], wanted: Iterable[str]) -> Mapping[str, SlotSight]:
    """How far each of the wanted slots is."""
    return {slot: _slot(reports, slot) for slot in wanted}


def adopted(reports: Sequence[PlanStatus], endpoint: str, revision: Revision | None) -> bool:
    """Whether every replica answers at the endpoint with that revision or a newer one; False without any."""
    if revision is None or not reports:
        return False
    found = (status.endpoints.get(endpoint) for status in reports)
    return all(each and each.revision is not None and each.revision >= revision for each in found)


def refusal(reports: Iterable[PlanStatus], endpoint: str) -> str:
    """Why a replica does not answer as it was told; empty when all do."""
    for status in reports:
        if status.refused:
            return f"{status.replica}: {status.refused}"
        at = status.endpoints.get(endpoint)
        if at is not None and at.reason:
            return f"{status.replica}: {at.reason}"
    return ""


def _slot(reports: Sequence[PlanStatus], slot: str) -> SlotSight:
    found = [(status.replica, status.slots[slot]) for status in reports if slot in status.slots]
    ready = sum(each.state in _ANSWERING for _, each in found)
    failed = next((f"{name}: {each.reason}" for name, each in found if each.state == "failed"), "")
    return SlotSight(ready, len(reports), failed)
