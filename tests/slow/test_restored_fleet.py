"""A control plane restored from a backup: its replicas take what it wants, though they saw newer plans."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.rawclient import Raw, post
from tests.acceptance.traffic import traffic
from tests.assembly.processes import Plane, free_port, plane, until
from tests.registry import bundles
from tests.slow.test_platform_faults import judge

from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, replica

pytestmark = pytest.mark.slow
ASK = post("/v1/models/churn/predict", {"input": [1.0, 2.0]})


def settings(one: Plane, folder: Path) -> Settings:
    """A replica of the fleet `local`."""
    (folder / "replica").mkdir()
    key = folder / "replica-key"
    with one.control((one.folder / "key").read_text()) as to:
        key.write_text(to.keys.create("one", role="service", scopes=["replica"]).key)
    key.chmod(0o600)
    return Settings(
        port=0,
        control=one.url,
        control_key=str(key),
        control_access=False,
        replica="one",
        state=str(folder / "replica" / "state"),
    )


def answered(running: Replica) -> int:
    """The version that answers."""
    with Raw(running.url) as raw:
        return int(raw.ask(ASK).json()["version"])


def restored(archive: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "modelport.cli", "restore", str(archive), "--state", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def test_replicas_take_the_plan_of_a_restored_control_plane_and_answer_all_the_time(tmp_path: Path) -> None:
    port = free_port()
    with plane(tmp_path / "old", port) as one, one.control((one.folder / "key").read_text()) as to:
        for number in (1, 2):
            to.versions.register("churn", bundles.made(tmp_path / "made", float(number)))
        to.deployments.deploy("churn", 1)
        with replica(tmp_path, settings(one, tmp_path)) as running:
            running.wait_ready()
            saved = to.backup.save(tmp_path / "backup.tar")
            with traffic(running.url, [ASK], judge, rate=100) as seen:
                to.deployments.activate("churn", 2)
                until(lambda: answered(running) == 2)
                one.process.kill()
                one.process.wait()
                restored(saved, tmp_path / "new")
                with plane(tmp_path / "new", port):
                    took = until(lambda: answered(running) == 1)
                assert answered(running) == 1  # also without a control plane
            assert seen.failed == 0, seen.counts
            print(f"taken {took:.2f} s after the restored one was up; predictions: {seen.counts}")
