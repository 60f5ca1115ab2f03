"""What the OpenAPI document shows of answers: one thing of every shape, all of one small story."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args, get_origin

from modelport.api.routes.fleets import Kept
from modelport.core.access import AccessSnapshot, KeyEntry, Rate
from modelport.core.deployment import Condition, Criteria, Deployment, DeploymentSpec, Terms
from modelport.core.fleet import Heard
from modelport.core.pages import Page
from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.core.records import Alias, Entry, Lineage, Model, Version
from modelport.core.roles import KeySeen, MadeKey
from modelport.core.rollout import Decided, Finding, Progress, Rollout, Wait
from modelport.core.sights import (
    Applied,
    Change,
    Check,
    Collected,
    Configuration,
    FeedbackSeen,
    LogLine,
    ModelStatus,
    ReplicaSeen,
    Taken,
    VersionSeen,
)

_AT = 1_795_000_000.0
_DIGEST = "8f14e45fceea167a5a36dedd4bea2543a5a1f2b6c7d8e9f00112233445566778"
_ID = "01KD2V7W3N8M4Q6R9T1X5Y7Z0B"
_PREDICTION = "01JZX4M8QJ3V5T7W9Y1B2C3D4E"
_BUNDLE = f"file:///srv/modelport/artifacts/sha256/8f/{_DIGEST}.bundle"

_TERMS = Terms(Criteria(error_rate=0.01))
_SPEC = DeploymentSpec("churn", "canary", 2, steps=(500, 10_000), terms=_TERMS)
_ROLLOUT = Rollout(
    _ID, _SPEC, 4, 1, "judging", began=_AT, stepped=_AT, since=_AT, deadline=_AT + 86_400, reason="493 more"
)
_FINDING = Finding("error_rate", "open", 0.0, 0.0, 0.08, 0.01, samples=7, text="0 of 7 requests failed")
_DECIDED = Decided(2, _AT + 5, Wait("493 more requests"), {1: 9500, 2: 500}, (_FINDING,), requests=7)
_PROGRESS = Progress(_ROLLOUT, {1: 9500, 2: 500}, (_FINDING,), requests=7, rate=1.4, last=_DECIDED)
_SLOTS = tuple(
    SlotSpec(f"churn:{version}", "churn", version, _BUNDLE, identity=_DIGEST) for version in (1, 2)
)
_ROUTE = Route((Share("churn:2", 500), Share("churn:1", 9500)), salt=_ID)
_KEY = KeySeen("a1b2c3d4", "shop", "service", "default", ("infer:churn",), Rate(100, 1), created=_AT)
_REPLICA = ReplicaSeen(
    "local",
    "local",
    "http://127.0.0.1:8000",
    1,
    ready=True,
    alive=True,
    seen=_AT,
    revision=Revision(1, 8),
    wanted=Revision(1, 8),
)

_OF: Mapping[Any, object] = MappingProxyType(
    {
        str: "warehouse",
        Model: Model("churn", "Will a customer leave?", {"team": "risk"}, _AT, "anna", versions=2, latest=2),
        Version: Version(
            "churn",
            2,
            _DIGEST,
            _DIGEST,
            48_213,
            "2.1.0",
            task="binary",
            metrics={"accuracy": 0.93},
            lineage=Lineage("customers-2026-06", parent=1),
            created=_AT,
            created_by="anna",
        ),
        Alias: Alias("churn", "champion", 2, 3, _AT, "anna"),
        ModelStatus: ModelStatus(
            "churn",
            "rolling-out",
            "493 more requests",
            1,
            (VersionSeen(2, "2.1.0", 500, "ready", ready=1, replicas=1, instances=1),),
            (_REPLICA,),
            _PROGRESS,
        ),
        Change: Change("deployment/churn.canary_percentage", "changed", 5, 10),
        Collected: Collected((_DIGEST,), 48_213, dry_run=True),
        Applied: Applied((Change("deployment/churn.strategy", "created", None, "canary"),), applied=True),
        Deployment: Deployment(
            "churn",
            _SPEC,
            4,
            live=1,
            rollout=_ID,
            conditions=(Condition("Available", True, "churn:1 answers", _AT),),
            updated=_AT,
            updated_by="anna",
        ),
        Configuration: Configuration(
            "deployment", "churn", 2, {"strategy": "canary", "canary_percentage": 5}, _AT, "anna"
        ),
        Rollout: _ROLLOUT,
        Progress: _PROGRESS,
        Decided: _DECIDED,
        Taken: Taken(new=1),
        FeedbackSeen: FeedbackSeen("leaves", _AT, _PREDICTION, joined=True, right=True, version=2),
        LogLine: LogLine(_AT, "control", "info", "published", fields={"revision": "1-8"}),
        Check: Check("database", True, "every page and row can be read"),
        KeySeen: _KEY,
        MadeKey: MadeKey("mp_live_…", _KEY),
        Entry: Entry(
            17, _AT, "anna", "deployment.apply", "churn", detail={"version": 2}, address="127.0.0.1"
        ),
        ServingPlan: ServingPlan(Revision(1, 8), _SLOTS, (EndpointSpec("churn", _ROUTE),)),
        AccessSnapshot: AccessSnapshot(3, (KeyEntry("a1b2c3d4", "shop", _DIGEST, ("infer:churn",)),)),
        Heard: Heard(Revision(1, 8), 3),
        ReplicaSeen: _REPLICA,
        Kept: Kept(16_384),
    }
)


def shown(shape: Any) -> object | None:
    """An example of an answer; None of a shape that is a document of its own."""
    match get_origin(shape):
        case None:
            return _OF[shape]
        case origin if origin is tuple:
            return (_OF[get_args(shape)[0]],)
        case origin if origin is Page:
            return Page((_OF[get_args(shape)[0]],))
    return None
