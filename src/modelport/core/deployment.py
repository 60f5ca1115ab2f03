"""What is wanted of an endpoint: the documents of `CONTRACTS` 3 and 4, read, checked and resolved.

The texts people write ("< 1%", "200ms", `model_v1`) are read in `control.documents`; here every value has its
unit: shares in basis points, times in seconds, rates as fractions.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from modelport.core.manifest import Parameters, Validation
from modelport.core.plan import Scaling, StickyBy
from modelport.core.ready import ready

StrategyName = Literal["direct", "canary", "blue_green", "ab", "shadow"]
Requirement = Literal["not_worse", "proven"]
Ending = Literal["hold", "rollback", "promote"]

MINUTE = 60.0
HOUR = 60 * MINUTE


class Criteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Limits that a candidate has to keep; one that is None is not asked.

    Attributes:
        accuracy: fewest right predictions among those whose truth is known, as a fraction.
        latency_p95: longest 95th percentile, in seconds.
        error_rate: most faults among its requests, as a fraction.
        degradation: most relative worsening against the baseline at the same time, of p95 latency and, where
            there is feedback, of accuracy, as a fraction.
    """

    accuracy: float | None = None
    latency_p95: float | None = None
    error_rate: float | None = None
    degradation: float | None = None


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a rollout is decided (CONTRACTS 4, Decision rule).

    Attributes:
        criteria: what the candidate has to keep, besides the guards that are always on.
        require: `not_worse` promotes when no harm is shown and every estimate holds; `proven`, only when
            every bound lies wholly inside its limit.
        error_level: chance of a wrong verdict over the whole rollout, split over criteria and guards.
        min_requests: fewest requests of the candidate before a promotion.
        min_duration: shortest time of a step before the next, in seconds.
        max_duration: after it, in seconds, `on_timeout` says what happens.
        on_timeout: how a rollout ends that evidence did not end.
    """

    criteria: Criteria = Criteria()
    require: Requirement = "not_worse"
    error_level: float = 0.01
    min_requests: int = 500
    min_duration: float = 10 * MINUTE
    max_duration: float = 24 * HOUR
    on_timeout: Ending = "hold"


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version and its share of the traffic, in basis points."""

    version: int
    weight: int


class DeploymentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is wanted of an endpoint, resolved: numbers of versions, not aliases or labels.

    Attributes:
        endpoint: what callers name; the name of its model.
        strategy: how the candidate is to get there.
        candidate: the version that is wanted in the end; of `ab`, the last arm.
        arms: of `blue_green` and `ab`, the split while it is judged.
        steps: of `canary`, the candidate's shares one after the other, in basis points, the last 10,000.
        share: of `shadow`, the share of requests that is repeated, in basis points.
        decide: of `ab`, whether the arm that is shown to be best gets all traffic.
        keep_warm: seconds that the former version stays loaded after a promotion, for an instant rollback.
        sticky: what the key of a request is.
        terms: how the rollout is decided.
        follows: the alias that this deployment follows (`champion`); moving it starts the strategy anew.
    """

    endpoint: str
    strategy: StrategyName
    candidate: int
    arms: tuple[Arm, ...] = ()
    steps: tuple[int, ...] = ()
    share: int = 0
    decide: bool = False
    keep_warm: float = 15 * MINUTE
    sticky: StickyBy = "user"
    terms: Terms = Terms()
    follows: str | None = None


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Values of `model_config.parameters` and `model_config.validation` that were given; None was not.

    `validation` holds the given keys of `core.manifest.Validation`; the others stay as the bundle has them.
    """

    confidence_threshold: float | None = None
    batch_size: int | None = None
    max_tokens: int | None = None
    validation: dict[str, Any] | None = None


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a model is served, whatever version (CONTRACTS 3).

    Attributes:
        parameters: what the owner overrides of the bundle's own; a field left out keeps the bundle's.
        scaling: bounds of the instances; None leaves one pinned instance.
    """

    parameters: Overrides = Overrides()
    scaling: Scaling | None = None


def overridden(own: Parameters, wanted: Overrides) -> Parameters:
    """A bundle's own parameters with those replaced that a deployment gives."""
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    rules = given.pop("validation", None)
    if rules is not None:
        known = msgspec.to_builtins(own.validation)
        given["validation"] = msgspec.convert({**known, **rules}, ready(Validation))
    return msgspec.structs.replace(own, **given)


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is true of a deployment or not, since when, and why.

    Kinds: `Available` (callers are answered), `Progressing` (a rollout is under way), `Degraded` (a replica
    does not do what is wanted).
    """

    kind: Literal["Available", "Progressing", "Degraded"]
    true: bool
    reason: str
    since: float


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An endpoint as it is wanted and as it is.

    Attributes:
        endpoint, project: whose it is.
        spec: what is wanted; `generation` goes up with every change of it or of `config`.
        config: how its model is served.
        live: the version that answers outside of a rollout; None before the first.
        former: the version that `live` replaced, kept warm until `former_until` (seconds since the epoch).
        rollout: id of the rollout under way, or of the last.
        conditions: how it is.
        trouble: why what is wanted could not be put into a plan; empty when it could. It is tried again.
        updated, updated_by: when it was last changed, and by which key.
    """

    endpoint: str
    spec: DeploymentSpec
    generation: int
    project: str = "default"
    config: ModelConfig = ModelConfig()
    live: int | None = None
    former: int | None = None
    former_until: float = 0.0
    rollout: str = ""
    conditions: tuple[Condition, ...] = ()
    trouble: str = ""
    updated: float = 0.0
    updated_by: str = ""
