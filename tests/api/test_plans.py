"""From a bundle into the plan, and documents that are planned and applied."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.api.conftest import Served
from tests.registry.bundles import made

from modelport.cli.rollout.watch import until_settled
from modelport.client.control import Control
from modelport.control.catalog import Shelves
from modelport.core.plan import ServingPlan
from modelport.errors import Conflict, InvalidInput, ModelFailed, ModelportError


def test_a_version_goes_from_its_bundle_into_the_plan(control: Control, tmp_path: Path) -> None:
    control.versions.register("churn", made(tmp_path / "made", 2.0))
    deployment = control.deployments.deploy("churn", 1)
    assert (deployment.endpoint, deployment.spec.candidate) == ("churn", 1)
    key = control.keys.create("replica-1", scopes=["replica"]).key
    with httpx.Client(
        base_url=control.url, headers={"authorization": f"Bearer {key}"}, timeout=30, verify=False
    ) as replica:
        answer = replica.get("/api/v1/fleets/local/plan?wait=20")
        assert answer.status_code == 200
        plan = msgspec.json.decode(answer.content, type=ServingPlan)
        assert [slot.id for slot in plan.slots] == ["churn:1"]
        before = replica.get("/api/v1/fleets/local/access")
        waiting = f"/api/v1/fleets/local/access?wait=20&after={before.headers['etag'].strip(chr(34))}"
        made_key = threading.Timer(0.2, lambda: control.keys.create("shop", scopes=["infer:churn"]))
        made_key.start()
        assert replica.get(waiting).status_code == 200
        made_key.join()
    assert [one.endpoint for one in control.deployments.list()] == ["churn"]
    assert control.rollouts.get("churn").rollout.spec.candidate == 1
    assert control.models.status("churn").model == "churn"
    with pytest.raises(Conflict):
        control.models.delete("churn")


def test_documents_are_planned_applied_and_kept(control: Control, tmp_path: Path) -> None:
    for factor in (2.0, 3.0):
        control.versions.register("churn", made(tmp_path / "made", factor))
    control.deployments.deploy("churn", 1)
    text = "deployment:\n  strategy: canary\n  canary_percentage: 5\n"
    planned = control.deployments.apply(text, model="churn", version=2, dry_run=True)
    assert planned.changes
    assert not planned.applied
    assert control.deployments.get("churn").spec.candidate == 1
    assert control.deployments.apply(text, model="churn", version=2).applied
    assert control.deployments.get("churn").spec.strategy == "canary"
    assert [one.version for one in control.configurations.history("deployment", "churn")]
    with pytest.raises(ModelportError) as wrong:
        control.deployments.apply("deployment:\n  strategie: canary\n", model="churn")
    assert isinstance(wrong.value, InvalidInput) or wrong.value.status in {400, 422}
    assert control.deployments.schema()


def test_who_waits_for_what_cannot_be_planned_is_told_why(
    served: Served, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.register("stuck")
    monkeypatch.setattr(Shelves, "some", lambda *_: {})
    deployment = control.deployments.deploy("stuck", 1)
    with pytest.raises(ModelFailed) as failed:
        until_settled(control, deployment, quiet=True)
    assert failed.value.code == "not-planned"
    assert "wants version 1, which is not registered" in failed.value.message
    status = control.models.status("stuck")
    assert (status.state, status.reason) == ("failed", control.deployments.get("stuck").trouble)
    assert not next(check for check in control.doctor.examine() if check.name == "deployments").ok
