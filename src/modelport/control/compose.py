"""The plan of a project, endpoint by endpoint: one that cannot be planned keeps its last good part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from modelport.control import planner
from modelport.core.deployment import Deployment
from modelport.core.plan import EndpointSpec, Revision, ServingPlan, SlotSpec
from modelport.core.records import Version
from modelport.core.rollout import Rollout
from modelport.errors import PlanRefused


class Composed(msgspec.Struct, frozen=True):
    """A plan, and why some endpoints are in it as they were before, by endpoint."""

    plan: ServingPlan
    refused: Mapping[str, str]


def compose(
    deployments: Iterable[Deployment],
    rollouts: Mapping[str, Rollout],
    versions: Mapping[str, Version],
    revision: Revision,
    *,
    locate: Callable[[str], str],
    before: ServingPlan | None,
) -> Composed:
    """The plan of `revision`: each endpoint as `planner.plan` has it, or as it is in `before`."""
    slots: list[SlotSpec] = []
    endpoints: list[EndpointSpec] = []
    refused: dict[str, str] = {}
    for deployment in sorted(deployments, key=lambda each: each.endpoint):
        try:
            part = planner.plan([deployment], rollouts, versions, revision, locate=locate)
        except PlanRefused as error:
            refused[deployment.endpoint] = error.message
            part = _part(before, deployment.endpoint, revision)
        slots.extend(part.slots)
        endpoints.extend(part.endpoints)
    return Composed(ServingPlan(revision, tuple(slots), tuple(endpoints)), refused)


def _part(plan: ServingPlan | None, endpoint: str, revision: Revision) -> ServingPlan:
    """What a plan has of one endpoint."""
    if plan is None:
        return ServingPlan(revision, (), ())
    slots = tuple(slot for slot in plan.slots if slot.model == endpoint)
    return ServingPlan(revision, slots, tuple(each for each in plan.endpoints if each.name == endpoint))
