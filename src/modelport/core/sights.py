"""What callers of the control API are shown, beyond the records themselves. Services make them, the client
reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from modelport.core.fleet import Trouble
from modelport.core.plan import Revision
from modelport.core.rollout import Progress


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place that differs: of a document, a configuration, or two versions.

    Attributes:
        path: where, as `deployment/churn.steps`.
        kind: what happens to it.
        before, after: JSON values; None where it is not there.
    """

    path: str
    kind: Literal["created", "changed", "removed", "unchanged"]
    before: Any = None
    after: Any = None


class Applied(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an apply changed, or, of a dry run, would change."""

    changes: tuple[Change, ...]
    applied: bool
    notes: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document at one of its versions.

    Attributes:
        kind, name: `deployment`, `churn`.
        version: counts from 1.
        document: as it was asked for.
        at, by: seconds since the epoch; name of the key.
    """

    kind: str
    name: str
    version: int
    document: Mapping[str, Any]
    at: float = 0.0
    by: str = ""


class VersionSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version as a fleet serves it.

    Attributes:
        version, label: which.
        share: basis points of the traffic.
        state: of its slot, the least far of all replicas; `reason` when it is not ready.
        ready, replicas: replicas where it is ready, and all there are.
        instances, limited_by: over the fleet, and what keeps it from more.
    """

    version: int
    label: str | None = None
    share: int = 0
    state: str = ""
    reason: str = ""
    ready: int = 0
    replicas: int = 0
    instances: int = 0
    limited_by: str = ""


class ReplicaSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A replica as the control plane knows it.

    Attributes:
        fleet, name, url, workers: who and where it is.
        ready: whether it takes traffic; `alive`, whether it still reports.
        seen: its last report, in seconds since the epoch.
        revision, wanted: the plan it took, and the newest there is.
        refused: why it refused a plan.
    """

    fleet: str
    name: str
    url: str = ""
    workers: int = 0
    ready: bool = False
    alive: bool = False
    seen: float = 0.0
    revision: Revision | None = None
    wanted: Revision | None = None
    refused: str = ""


class ModelStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a model is served: one state, why, and what it is made of."""

    model: str
    state: Literal["registered", "starting", "serving", "rolling-out", "degraded", "failed"]
    reason: str = ""
    live: int | None = None
    versions: tuple[VersionSeen, ...] = ()
    replicas: tuple[ReplicaSeen, ...] = ()
    rollout: Progress | None = None
    troubles: tuple[Trouble, ...] = ()


class LogLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a log.

    Attributes:
        at: seconds since the epoch.
        service: who wrote it: `control`, `model-deployment`, ...
        level, message, model: as it was written.
        fields: everything else that it says.
        place: where reading goes on after it; opaque.
    """

    at: float
    service: str
    level: str
    message: str
    model: str = ""
    fields: Mapping[str, Any] = {}
    place: str = ""


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One look of the doctor. `repair` says what `doctor --repair` would do; empty when nothing can."""

    name: str
    ok: bool
    message: str
    repair: str = ""
    repaired: bool = False


class Collected(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the garbage collection took, or, of a dry run, would take: digests of artifacts, and bytes."""

    artifacts: tuple[str, ...] = ()
    bytes: int = 0
    dry_run: bool = False


class Taken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of feedback: `new` truths, `corrections` of known ones, `repeated` ones that were there."""

    new: int = 0
    corrections: int = 0
    repeated: int = 0


class FeedbackSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A truth as it is kept, and whether its prediction was found and right."""

    actual: Any
    at: float
    prediction_id: str = ""
    user_id: str = ""
    prediction: Any = None
    joined: bool = False
    right: bool | None = None
    version: int | None = None
