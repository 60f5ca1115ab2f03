"""A whole platform on this machine: real processes, killed and started again."""

from __future__ import annotations

import base64
import signal
from pathlib import Path

import httpx
import pytest
from tests.assembly.processes import Clock, ask, control, free_port, live, until, up
from tests.registry import bundles

from modelport import Control
from modelport.assembly.platform import Where, platform
from modelport.core.sights import FeedbackSeen
from modelport.errors import Conflict


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".modelport"


CANARY = "canary-91b2e0"
SEALING = base64.urlsafe_b64encode(b"canary-of-32-bytes--------------").decode()


def test_it_serves_what_is_deployed_outlives_a_kill_and_ends_with_one_signal(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The story of a small platform: register, deploy, feedback, kill -9, found again, Ctrl-C."""
    monkeypatch.setenv("MODELPORT_SECRET_KEY", SEALING)
    monkeypatch.setenv("PGPASSWORD", CANARY)
    ports = (free_port(), free_port())
    with up(home, *ports) as (process, started):
        assert started.first_key == (home / "key").read_text()
        assert not started.adopted
        with control(started, home) as to:
            for factor in (1.0, 2.0):
                to.versions.register("churn", bundles.made(home.parent / "made", factor))
            to.deployments.deploy("churn", 1)
            until(lambda: live(to, 1) and ask(started).status_code == 200)
            answer = ask(started).json()
            to.secrets.put("warehouse", CANARY)
            assert is_secret(home, CANARY)
            assert is_secret(home, SEALING)
            assert to.feedback.send("churn", answer["prediction_id"], answer["prediction"]).new == 1
            until(lambda: seen(to).joined)
            assert (seen(to).right, seen(to).version) == (
                None,
                1,
            )  # of a number nobody said how near is right
        process.kill()
        process.wait()
        assert ask(started).status_code == 200  # nobody leads, and callers do not notice
    with up(home, *ports) as (process, again):
        assert again.adopted
        assert again.first_key is None
        with control(again, home) as to:
            assert live(to, 1)
            to.deployments.activate("churn", 2)
            until(lambda: live(to, 2) and ask(again).headers["x-modelport-version"] == "churn:2")
            until(lambda: to.models.status("churn").state == "serving")
            until(lambda: all(check.ok for check in to.doctor.examine() if check.name != "disk"))
            assert {line.service for line in to.logs.read()} == {"control", "model-deployment"}
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    with pytest.raises(httpx.ConnectError):
        ask(again)
    assert not (home / "control.json").exists()


def is_secret(home: Path, text: str) -> bool:
    """Whether no file of the platform holds it, and no replica was told it as an argument or a variable."""
    kept = [path for path in home.rglob("*") if path.is_file()]
    replica = (home / "replica" / "pid").read_text()
    processes = [replica, *Path(f"/proc/{replica}/task/{replica}/children").read_text().split()]
    assert len(processes) > 1
    told = [Path(f"/proc/{pid}/{what}") for pid in processes for what in ("environ", "cmdline")]
    return all(text.encode() not in path.read_bytes() for path in (*kept, *told))


def seen(to: Control) -> FeedbackSeen:
    return next(iter(to.feedback.list("churn")))


def test_a_folder_whose_control_plane_runs_is_refused(home: Path) -> None:
    with platform(Where(home), Clock()), pytest.raises(Conflict) as refused, platform(Where(home), Clock()):
        pass
    assert refused.value.code == "already-running"


def test_everything_in_the_state_folder_is_its_owners_alone(home: Path) -> None:
    with platform(Where(home), Clock()) as built:
        assert {check.name: check.ok for check in built.doctor.examine()}["permissions"]
        (home / "key").chmod(0o644)
        found = next(check for check in built.doctor.examine() if check.name == "permissions")
        assert not found.ok
        assert "key" in found.message


def test_it_is_not_ready_while_its_database_is_away(home: Path, tmp_path: Path) -> None:
    with platform(Where(home), Clock()) as built:
        assert built.not_ready() == ""
        files = list(home.glob("modelport.db*"))
        for file in files:
            file.replace(tmp_path / file.name)
        assert "database" in built.not_ready()
        for file in files:
            (tmp_path / file.name).replace(file)
        until(lambda: built.not_ready() == "")
