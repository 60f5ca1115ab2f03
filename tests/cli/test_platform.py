"""The whole platform as a new user drives it: `modelport up` in a folder, and every command typed beside it,
on SQLite with a folder, and on PostgreSQL with S3."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests import databases
from tests.platforms import Folder, eventually, up
from tests.registry import bundles
from tests.serving.tls.certificates import Authority
from tests.storage import s3

CANARY = Path(__file__).parents[2] / "examples" / "canary.json"
ROW = "[5.0, 1.5]"


@dataclass(frozen=True)
class Ground:
    """What a platform stands on: its database and its store, said to `modelport up`."""

    kind: databases.Kind
    server: str = ""

    def options(self, folder: Path) -> tuple[str, ...]:
        """A new database and a new bucket; none for what is in the folder anyway."""
        if self.kind == "sqlite":
            return ()
        bucket = f"{s3.new_bucket(self.server)}/models"
        return ("--database", databases.url(self.kind, folder), "--artifacts", bucket)

    @property
    def environment(self) -> dict[str, str]:
        """Where S3 is."""
        return s3.environment(self.server) if self.server else {}


@pytest.fixture(params=["sqlite and a folder", "postgresql and s3"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    if request.param == "sqlite and a folder":
        yield Ground("sqlite")
        return
    with s3.serving() as server:
        yield Ground("postgresql", server)


def test_every_command_does_what_it_says(ground: Ground, tmp_path: Path) -> None:
    """One story: from the first bundle to a platform that was restored elsewhere."""
    options = ground.options(tmp_path)
    with up(tmp_path, *options, environment=ground.environment) as folder:
        registers(folder)
        deploys_and_activates(folder)
        rolls_out(folder)
        names_and_compares(folder)
        tells_the_truth(folder)
        makes_keys(folder)
        follows_logs(folder)
        looks_back(folder)
        folder.run("backup", "b.tar")
    elsewhere = Folder(tmp_path / "elsewhere", ground.environment)
    elsewhere.path.mkdir()
    options = ground.options(elsewhere.path)
    assert "is restored" in elsewhere.run("restore", str(tmp_path / "b.tar"), *options).stdout
    if ground.kind == "sqlite":  # every start costs seconds
        for path in (tmp_path, elsewhere.path):
            with up(path) as folder:
                eventually(partial(answers, folder, 2))


def registers(folder: Folder) -> None:
    assert any(line.startswith("first key") for line in folder.said)
    one, other, third = (str(bundles.made(folder.path / "made", factor)) for factor in (1.0, 2.0, 3.0))
    assert [folder.run("register", each).stdout for each in (one, one, other, third)] == [
        "churn:1\n",
        "churn:1\n",
        "churn:2\n",
        "churn:3\n",
    ]
    assert folder.json("models", "list")[0]["versions"] == 3
    assert "churn:3" in folder.run("models", "versions", "churn").stdout


def deploys_and_activates(folder: Folder) -> None:
    assert "churn:1  " in folder.run("deploy", "churn:1").stdout
    assert answered(folder) == 1
    folder.run("activate", "churn:2")
    eventually(lambda: answered(folder) == 2)
    status = folder.json("models", "status", "--model-id", "churn")
    assert (status["state"], status["live"]) == ("serving", 2)


def rolls_out(folder: Folder) -> None:
    apply = ("apply", "-f", str(CANARY), "--model", "churn", "--version", "3")
    assert "none made" in folder.run(*apply, "--dry-run").stdout
    assert folder.json("rollout", "status", "churn")["rollout"]["spec"]["strategy"] == "direct"
    folder.run(*apply)
    assert "nothing to change" in folder.run(*apply).stdout
    eventually(lambda: phase(folder) == "judging")
    watching = folder.begin("rollout", "status", "churn", "--watch")
    assert watching.stdout is not None
    assert "judging" in watching.stdout.readline()
    assert "paused by hand" in folder.run("rollout", "pause", "churn").stdout
    assert any("paused by hand" in line for line in iter(watching.stdout.readline, ""))
    assert "judging" in folder.run("rollout", "resume", "churn").stdout
    assert "10 %" in folder.run("rollout", "status", "churn").stdout
    assert "promoted" in folder.run("rollout", "promote", "churn").stdout
    assert "rolled back by hand" in folder.run("rollout", "rollback", "churn").stdout
    eventually(lambda: answered(folder) == 2)
    assert "`modelport deploy churn:3` tries it again" in folder.run(*apply).stderr
    seen, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert "rolled_back" in seen.splitlines()[-1]
    assert "note" not in folder.run(*apply[:-1], "2").stderr  # what was given up is not what is asked for now
    decided = [each["decision"]["type"] for each in folder.json("rollout", "history", "churn")]
    assert decided == ["prepare", "shift", "hold", "shift", "promote", "rollback"]


def names_and_compares(folder: Folder) -> None:
    assert folder.run("alias", "set", "churn@champion", "2").stdout == "churn@champion is churn:2\n"
    assert folder.json("alias", "list", "churn")[0]["version"] == 2
    assert folder.json("diff", "churn:1", "churn:2")
    refused = folder.run("diff", "churn:1", "churn:9", ok=False)
    assert refused.exit_code == 2
    assert "its newest is churn:3" in refused.stderr


def tells_the_truth(folder: Folder) -> None:
    answers = [predicted(folder) for _ in range(2)]
    rows = [f"{each['prediction_id']},{each['prediction']}" for each in answers]
    (folder.path / "truth.csv").write_text("\n".join(["prediction_id,actual", *rows, ""]))
    assert folder.run("feedback", "--file", "truth.csv").stdout.startswith("2 new")
    assert folder.run("feedback", "--file", "truth.csv").stdout.startswith("0 new")


def makes_keys(folder: Folder) -> None:
    made = folder.json("keys", "create", "--name", "shop", "--scope", "infer:churn", "--rate", "100/s")
    assert made["rate"] == "100/s"
    refused = folder.run("models", "list", "--key", made["key"], ok=False)
    assert (refused.exit_code, "Forbidden" in refused.stderr or "scope" in refused.stderr) == (2, True)
    folder.run("keys", "revoke", made["id"])
    refused = folder.run("models", "list", "--key", made["key"], ok=False)
    assert "revoked" in refused.stderr


def follows_logs(folder: Folder) -> None:
    words = ("logs", "--service", "model-deployment", "--model-id", "churn")
    assert "endpoint routed" in folder.run(*words).stdout
    assert "decided" in folder.run("logs", "--service", "control", "--model-id", "churn").stdout
    following = folder.begin(*words, "--follow")
    assert following.stdout is not None
    assert "churn" in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=60)
    assert following.returncode == 130


def looks_back(folder: Folder) -> None:
    actions = [entry["action"] for entry in folder.json("audit", "--since", "1h")]
    assert actions.count("model.register") == 3
    assert {"rollout.promote", "rollout.rollback", "key.revoke", "alias.set"} <= {*actions}
    assert "✓ database" in folder.run("doctor").stdout


def phase(folder: Folder) -> str:
    return str(folder.json("rollout", "status", "churn")["rollout"].get("phase", "preparing"))


def predicted(folder: Folder) -> Any:
    ended = folder.run("predict", "churn", "--json", ROW, "--output", "json", ok=False)
    return json.loads(ended.stdout) if ended.exit_code == 0 else {"version": None}


def answered(folder: Folder) -> int | None:
    version: int | None = predicted(folder)["version"]
    return version


def answers(folder: Folder, version: int) -> bool:
    return answered(folder) == version


def test_without_a_platform_a_command_says_what_to_do(tmp_path: Path) -> None:
    ended = Folder(tmp_path).run("models", "list", ok=False)
    assert ended.exit_code == 2
    assert "modelport up" in ended.stderr


def test_up_says_why_a_database_cannot_be_reached(tmp_path: Path) -> None:
    begun = Folder(tmp_path).begin("up", "--database", "postgresql://someone@127.0.0.1:1/none")
    said, _ = begun.communicate(timeout=60)
    assert begun.returncode == 2
    assert "the database cannot be reached" in said
    assert "Connection refused" in said


def test_up_ends_with_what_keeps_its_replica_from_starting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        begun = Folder(tmp_path).begin("up", "--port", port, "--control-port", "0")
        said, _ = begun.communicate(timeout=60)
    assert begun.returncode == 2
    assert f"the replica did not come up: port {port} of 127.0.0.1 is in use" in said


@pytest.mark.slow
def test_with_a_certificate_everything_is_https_and_the_folder_is_found_all_the_same(tmp_path: Path) -> None:
    paths = Authority().issue(tmp_path)
    tls = ("--tls-cert", paths.cert, "--tls-key", paths.key, "--allow-host", "localhost")
    with up(tmp_path, "--host", "0.0.0.0", *tls) as folder:
        folder.run("register", str(bundles.made(tmp_path / "made")))
        folder.run("deploy", "churn:1")
        key = (tmp_path / ".modelport" / "key").read_text()
        port = folder.url.rpartition(":")[2]
        asked = ("predict", "churn", "--json", ROW, "--url", f"https://localhost:{port}")
        made = folder.json("keys", "create", "--name", "shop", "--scope", "infer:churn")
        folder.run(*asked, "--key", made["key"], "--ca", paths.ca)
        there = ("models", "list", "--control", folder.control, "--key", key)
        assert "churn" in folder.run(*there, "--ca", paths.ca).stdout
        assert "CERTIFICATE_VERIFY_FAILED" in folder.run(*there, ok=False).stderr
