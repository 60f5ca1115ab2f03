"""How a model is served: one state, why, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy.engine import Connection

from modelport.control import sight, split, transitions
from modelport.control.fleet import seen
from modelport.control.looks import progress
from modelport.control.store import deployments, fleets, plans, replicas, rollouts
from modelport.core.deployment import Deployment
from modelport.core.fleet import PlanStatus, SlotStatus, Trouble
from modelport.core.plan import SlotSpec
from modelport.core.rollout import ENDED, Rollout
from modelport.core.sights import ModelStatus, VersionSeen
from modelport.registry import models

State = Literal["registered", "starting", "serving", "rolling-out", "degraded", "failed"]
TROUBLES = 20
"""The last things that went wrong that a status shows."""


def status(connection: Connection, project: str, model: str, now: float) -> ModelStatus:
    """The status of a model; raises `NotFound` for one that is not registered."""
    models.get(connection, project, model)
    kept = deployments.get(connection, project, model)
    if kept is None:
        return ModelStatus(model, "registered", "no version of it is deployed")
    deployment = kept.deployment
    found = rollouts.get(connection, project, deployment.rollout)
    rollout = found.rollout if found else None
    names = fleets.of_project(connection, project)
    lives = [(name, life) for name in names for life in replicas.newest(connection, name)]
    reports = sight.live([(life.status, life.seen) for _, life in lives], now)
    state, reason = _state(deployment, rollout, reports)
    wanted = {name: plans.revision(connection, name) for name in names}
    return ModelStatus(
        model,
        state,
        reason,
        deployment.live,
        _versions(_planned(connection, names, model), deployment, rollout, reports),
        tuple(seen(name, life, wanted[name], now) for name, life in lives),
        progress(connection, project, model) if found else None,
        _troubles(reports, model),
    )


def _state(
    deployment: Deployment, rollout: Rollout | None, reports: Sequence[PlanStatus]
) -> tuple[State, str]:
    said = rollout.reason if rollout is not None else "waiting for its first pass"
    if deployment.trouble:
        return ("failed" if deployment.live is None else "degraded"), deployment.trouble
    if deployment.live is None:
        failed = rollout is not None and rollout.phase in ("failed", "rolled_back")
        return ("failed" if failed else "starting"), said
    if trouble := _trouble(split.slot_id(deployment.endpoint, deployment.live), deployment, reports):
        return trouble
    under_way = rollout is not None and rollout.phase not in ENDED and rollout.phase != "promoted"
    return ("rolling-out" if under_way else "serving"), said


def _trouble(slot: str, deployment: Deployment, reports: Sequence[PlanStatus]) -> tuple[State, str] | None:
    """What keeps the live version from answering everywhere; None when nothing does."""
    live = sight.slots(reports, [slot])[slot]
    if not reports:
        return "degraded", "no replica reports"
    if not live.ready:
        return ("failed", live.failed) if live.failed else ("starting", f"{slot} is being loaded")
    if refusal := sight.refusal(reports, deployment.endpoint):
        return "degraded", refusal
    if live.ready < live.replicas:
        return "degraded", f"{slot} is ready in {live.ready} of {live.replicas} replicas"
    return None


def _planned(connection: Connection, names: Sequence[str], model: str) -> dict[int, SlotSpec]:
    """The slots of a model that the plan has, control slots left out, by version."""
    newest = [plan for name in names if (plan := plans.newest(connection, name)) is not None]
    slots = [slot for plan in newest for slot in plan.slots if slot.model == model]
    return {slot.version: slot for slot in slots if not slot.id.endswith(split.CONTROL)}


def _versions(
    planned: dict[int, SlotSpec],
    deployment: Deployment,
    rollout: Rollout | None,
    reports: Sequence[PlanStatus],
) -> tuple[VersionSeen, ...]:
    routed = transitions.routed(deployment, rollout)
    shares = routed.by_version if routed else {}
    return tuple(_version(slot, shares.get(version, 0), reports) for version, slot in sorted(planned.items()))


def _version(slot: SlotSpec, share: int, reports: Sequence[PlanStatus]) -> VersionSeen:
    found = [report.slots[slot.id] for report in reports if slot.id in report.slots]
    least = min(found, key=_how_far, default=SlotStatus("wanted", "no replica has it yet"))
    return VersionSeen(
        slot.version,
        slot.label,
        share,
        least.state,
        least.reason,
        sum(each.state == "ready" for each in found),
        len(reports),
        sum(each.instances for each in found),
        next((each.limited_by for each in found if each.limited_by), ""),
    )


_ORDER = ("failed", "wanted", "fetching", "loading", "warming", "verified", "draining", "ready")


def _how_far(slot: SlotStatus) -> int:
    return _ORDER.index(slot.state)


def _troubles(reports: Sequence[PlanStatus], model: str) -> tuple[Trouble, ...]:
    """The last things that went wrong with a model, over all replicas, oldest first."""
    every = [each for report in reports for each in report.troubles]
    mine = [each for each in every if each.subject == model or each.subject.startswith(f"{model}:")]
    return tuple(sorted(mine, key=lambda each: each.at)[-TROUBLES:])
