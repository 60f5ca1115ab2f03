"""What the OpenAPI document shows: a body of every operation that takes one, and parts of paths."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from modelport.api.routes.access import Bootstrap
from modelport.core.evidence import Outcomes
from modelport.core.fleet import EndpointStatus, PlanStatus, SlotStatus
from modelport.core.plan import Revision
from modelport.core.records import Gate
from modelport.core.wishes import (
    Apply,
    ModelChange,
    NewKey,
    NewModel,
    SecretValue,
    Truth,
    VersionChange,
    VersionWish,
)

_CANARY = """\
deployment:
  model: churn:2
  strategy: canary
  canary_percentage: 5
"""
_TRUTH = Truth("leaves", "01JZX4M8QJ3V5T7W9Y1B2C3D4E")
_REPORT = PlanStatus(
    "local",
    "4f1c2f0e8d5b4a7e",
    17,
    wanted=Revision(1, 8),
    access=3,
    endpoints={"churn": EndpointStatus(Revision(1, 8))},
    slots={"churn:2": SlotStatus("ready", instances=1)},
    counters={"churn:2": Outcomes(requests=1200, trials=1200)},
    url="http://127.0.0.1:8000",
    workers=1,
    ready=True,
    at=1_795_000_000.0,
)

BODIES: Mapping[str, object] = MappingProxyType(
    {
        "create_model": NewModel("churn", "Will a customer leave?", {"team": "risk"}),
        "change_model": ModelChange(policy={"champion": Gate()}, tags={"team": "risk"}),
        "change_version": VersionChange(label="2.1.0", metrics={"accuracy": 0.93}),
        "set_alias": VersionWish(2),
        "apply": Apply(_CANARY, dry_run=True),
        "deploy": VersionWish("champion"),
        "activate": VersionWish(2),
        "give_feedback": _TRUTH,
        "send_feedback": _TRUTH,
        "bootstrap": Bootstrap("mp_boot_…"),
        "create_key": NewKey("shop", scopes=("infer:churn",), rate="100/s"),
        "put_secret": SecretValue("hunter2"),
        "report": _REPORT,
    }
)
"""By the name of the operation."""

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "model": "churn",
        "endpoint": "churn",
        "name": "churn",
        "alias": "champion",
        "ref": "2",
        "id": "01JZX4M8",
        "kind": "deployment",
        "fleet": "local",
        "replica": "local",
        "file": "000001-000-000001.spool",
    }
)
"""By the name of the part."""
