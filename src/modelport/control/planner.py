"""Makes the serving plan of a fleet from what is wanted and where every rollout stands: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from modelport.control import split, transitions
from modelport.control.split import Split
from modelport.core.deployment import Deployment, ModelConfig, Overrides, overridden
from modelport.core.manifest import Parameters
from modelport.core.plan import (
    CPU,
    EndpointSpec,
    Revision,
    Route,
    Scaling,
    ServingPlan,
    SlotSpec,
    check,
)
from modelport.core.records import Version
from modelport.core.rollout import ENDED, Rollout
from modelport.errors import Conflict, PlanRefused

Locate = Callable[[str], str]
"""The URL of an artifact, by its SHA-256 in hex."""


def plan(
    deployments: Iterable[Deployment],
    rollouts: Mapping[str, Rollout],
    versions: Mapping[str, Version],
    revision: Revision,
    *,
    locate: Locate,
) -> ServingPlan:
    """The whole plan; the same input gives the same plan, whatever its order.

    Args:
        deployments: of one project, one for each endpoint.
        rollouts: the last one of each endpoint that had any, by endpoint.
        versions: at least those that are deployed, by `churn:2`.
        revision: of the plan.
        locate: where artifacts are.

    Raises `PlanRefused` for versions that are not there and for whatever `core.plan.check` finds.
    """
    slots: list[SlotSpec] = []
    endpoints: list[EndpointSpec] = []
    for deployment in sorted(deployments, key=lambda it: it.endpoint):
        rollout = rollouts.get(deployment.endpoint)
        routed = transitions.routed(deployment, rollout)
        wanted = sorted(wanted_slots(deployment, rollout))
        slots.extend(_slot(slot, deployment, versions, locate) for slot in wanted)
        if routed is not None:
            endpoints.append(EndpointSpec(deployment.endpoint, _route(routed, deployment, rollout)))
    return check(ServingPlan(revision, tuple(slots), tuple(endpoints)))


def wanted_slots(deployment: Deployment, rollout: Rollout | None) -> frozenset[str]:
    """Every slot of an endpoint: those that answer, those that are to, and the former one that is kept warm.

    What does not answer yet, or no more, has no share: a replica that cannot load it still takes the route.
    """
    found: set[str] = set()
    if routed := transitions.routed(deployment, rollout):
        found.update(routed.slots)
    if rollout is not None and rollout.phase not in ENDED and rollout.phase != "promoted":
        found.update(split.judged(rollout).slots)
    if deployment.former is not None:
        found.add(split.slot_id(deployment.endpoint, deployment.former))
    return frozenset(found)


def check_contracts(wanted: Iterable[Version]) -> None:
    """Refuse to let versions share an endpoint that callers could not call alike.

    Raises `Conflict` (`contracts-differ`) naming the versions.
    """
    by_contract: dict[str, list[str]] = {}
    for version in wanted:
        by_contract.setdefault(version.contract, []).append(version.id)
    if len(by_contract) > 1:
        groups = " and ".join(", ".join(ids) for ids in by_contract.values())
        msg = f"the inputs or outputs of {groups} differ, and callers of one endpoint see one contract"
        raise Conflict(msg, code="contracts-differ", hint="register it under a model name of its own")


def _route(routed: Split, deployment: Deployment, rollout: Rollout | None) -> Route:
    """The salt is the rollout's, so that experiments do not correlate; without a split there is none."""
    split_up = len(routed.slots) > 1
    salt = rollout.id if rollout is not None and split_up else ""
    return Route(routed.shares, salt, deployment.spec.sticky, routed.shadows)


def _slot(slot: str, deployment: Deployment, versions: Mapping[str, Version], locate: Locate) -> SlotSpec:
    version = _version(deployment.endpoint, split.version_of(slot), versions)
    scaling = deployment.config.scaling
    return SlotSpec(
        id=slot,
        model=version.model,
        version=version.number,
        bundle=locate(version.artifact),
        identity=version.identity,
        label=version.label,
        pinned=scaling is None or scaling.min_instances > 0,
        parameters=_parameters(version, deployment.config),
        instances=_instances(scaling),
        scaling=scaling,
        device=CPU,
    )


def _version(endpoint: str, number: int, versions: Mapping[str, Version]) -> Version:
    found = versions.get(split.slot_id(endpoint, number))
    if found is None:
        msg = f"endpoint {endpoint!r} wants version {number}, which is not registered"
        raise PlanRefused(msg, hint=f"modelport models list --model-id {endpoint} shows its versions")
    return found


def _instances(scaling: Scaling | None) -> int:
    """Where scaling starts: with the fewest, or all of them when it does not move by itself."""
    if scaling is None:
        return 1
    return max(1, scaling.min_instances if scaling.auto_scale else scaling.max_instances)


def _parameters(version: Version, config: ModelConfig) -> Parameters | None:
    """The bundle's own with those that the deployment gives; None when it gives none."""
    if config.parameters == Overrides():
        return None
    if version.parameters is None:
        msg = f"the parameters of {version.id} are not known, so they cannot be overridden"
        raise PlanRefused(msg, hint="register the bundle again, or deploy it without model_config.parameters")
    return overridden(version.parameters, config.parameters)
