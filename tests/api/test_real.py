"""The API and the SDK over the platform that `modelport up` runs, without a replica."""

from __future__ import annotations

import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.api.playground import Wall
from tests.registry.bundles import made

from modelport.api.app import app
from modelport.api.server import server
from modelport.assembly.platform import Where, platform
from modelport.client.control import Control
from modelport.core.plan import ServingPlan
from modelport.errors import Conflict, InvalidInput, ModelportError, NotFound


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with platform(Where(tmp_path / "state"), Wall()) as built:
        running = server(app(built), "127.0.0.1", 0)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            while not running.started:
                time.sleep(0.01)
            port = running.servers[0].sockets[0].getsockname()[1]
            with Control(f"http://127.0.0.1:{port}", key=built.first_key) as found:
                yield found
        finally:
            running.should_exit = True
            thread.join()


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


def test_truths_logs_checks_and_a_backup(control: Control, tmp_path: Path) -> None:
    control.versions.register("churn", made(tmp_path / "made", 2.0))
    control.deployments.deploy("churn", 1)
    assert control.feedback.send("churn", "01JZX4M8QJ3V5T7W9Y1B2C3D4E", 2.0).new == 1
    assert control.feedback.send("churn", "01JZX4M8QJ3V5T7W9Y1B2C3D4E", 2.0).repeated == 1
    assert len(list(control.feedback.list("churn"))) == 1
    assert isinstance(control.logs.read(), tuple)
    assert {check.name for check in control.doctor.examine()}
    with tarfile.open(control.backup.save(tmp_path / "b.tar")) as archive:
        assert archive.getnames()
    assert {"model.register", "backup"} & {one.action for one in control.audit.list()}
    with pytest.raises(NotFound):
        control.rollouts.get("absent")
