"""What is wanted next of an endpoint, as a function of what was wanted and what was asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from modelport.core.deployment import Arm, Deployment, DeploymentSpec, ModelConfig

Kind = Literal["deployment", "model_config"]


class Asked(msgspec.Struct, frozen=True):
    """A document that was read, checked and resolved.

    Attributes:
        kind: what it is about; `name`, of which endpoint (the name of its model).
        document: as it was written.
        resolved: what it came to.
    """

    kind: Kind
    name: str
    document: Mapping[str, Any]
    resolved: DeploymentSpec | ModelConfig


def towards(deployment: Deployment | None, endpoint: str, version: int) -> DeploymentSpec:
    """The spec that brings another version by the strategy an endpoint has; `direct` when it has none.

    Of a split, the newcomer takes the place of the candidate, and what answers now that of the other arm. An
    `ab` test has no winner to be, so it is left for `direct`.
    """
    if deployment is None or deployment.live is None or deployment.spec.strategy in ("direct", "ab"):
        return direct(deployment, endpoint, version)
    spec = deployment.spec
    arms = _arms(spec, deployment.live, version)
    return msgspec.structs.replace(spec, candidate=version, arms=arms, follows=None)


def direct(deployment: Deployment | None, endpoint: str, version: int) -> DeploymentSpec:
    """The spec that brings a version at once, with all else as it was."""
    if deployment is None:
        return DeploymentSpec(endpoint, "direct", version)
    former = deployment.spec
    return DeploymentSpec(endpoint, "direct", version, keep_warm=former.keep_warm, sticky=former.sticky)


def moved(spec: DeploymentSpec, live: int | None, version: int) -> DeploymentSpec:
    """The spec of a deployment whose alias points at another version now.

    An experiment that the version would meet itself in is over: the version comes with `direct`.
    """
    arms = _arms(spec, live, version)
    if spec.strategy == "ab" and not arms:
        return DeploymentSpec(
            spec.endpoint,
            "direct",
            version,
            keep_warm=spec.keep_warm,
            sticky=spec.sticky,
            follows=spec.follows,
        )
    return msgspec.structs.replace(spec, candidate=version, arms=arms)


def next_deployment(
    known: Deployment | None,
    project: str,
    endpoint: str,
    *,
    spec: DeploymentSpec | None = None,
    config: ModelConfig | None = None,
) -> Deployment | None:
    """The deployment with another spec or config: one generation on, or the same when nothing differs.

    None while nothing is deployed: a config waits for the first spec.
    """
    if known is None:
        return Deployment(endpoint, spec, 1, project, config or ModelConfig()) if spec is not None else None
    wanted = msgspec.structs.replace(known, spec=spec or known.spec, config=config or known.config)
    if (wanted.spec, wanted.config) == (known.spec, known.config):
        return known
    return msgspec.structs.replace(wanted, generation=known.generation + 1, trouble="")


def _arms(spec: DeploymentSpec, live: int | None, version: int) -> tuple[Arm, ...]:
    """The arms with `version` as the candidate; of two, the other one is what is live.

    None when there is no split, nothing that is live, or the version is another arm already.
    """
    others = [arm for arm in spec.arms if arm.version != spec.candidate]
    weight = sum(arm.weight for arm in spec.arms if arm.version == spec.candidate)
    if live is not None and len(others) == 1:
        others = [Arm(live, others[0].weight)]
    if live is None or not others or version in {arm.version for arm in others}:
        return ()
    return (*others, Arm(version, weight))
