"""The whole platform as a new user drives it: `modelport up` in a folder, and commands typed beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from tests.serving.tls.certificates import Authority

from modelport.cli.quickstart.child import _free_port

PATIENCE = 60.0


class Folder:
    """A working folder with a platform in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = self.control = ""

    def run(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """One command, typed in the folder."""
        ended = subprocess.run(
            [sys.executable, "-m", "modelport.cli", *arguments],
            cwd=self.path,
            env={name: value for name, value in os.environ.items() if not name.startswith("MODELPORT_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert not ok or ended.returncode == 0, ended.stderr
        return ended

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bundles of one contract: a tree, and a regression."""
    folder = tmp_path_factory.mktemp("models")
    rows, target = load_iris(as_frame=True, return_X_y=True)
    rows.columns = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    rows.to_csv(folder / "rows.csv", index=False)
    for name, model in (
        ("tree", DecisionTreeClassifier(max_depth=2)),
        ("line", LogisticRegression(max_iter=500)),
    ):
        joblib.dump(model.fit(rows, target), folder / f"{name}.joblib")
        pack = ("pack", f"{name}.joblib", "--name", "iris", "--sample", "rows.csv", "--trust-pickle")
        Folder(folder).run(*pack, "--output", f"{name}.bundle")
    return folder


@contextmanager
def up(path: Path, *options: str) -> Iterator[Folder]:
    """`modelport up` until left; it has to end by itself after Ctrl-C."""
    port, control = _free_port(), _free_port()
    command = ["up", "--port", str(port), "--control-port", str(control), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport.cli", *command],
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    folder = Folder(path)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("predictions"):
                folder.url = line.split()[1]
            if line.startswith("control API"):
                folder.control = line.split()[2]
            if line.startswith("next"):
                break
        assert folder.url, process.poll()
        yield folder
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_model_is_registered_deployed_replaced_and_found_again(models: Path, tmp_path: Path) -> None:
    row = ("predict", "iris", "--json", "[5.1, 3.5, 1.4, 0.2]", "--output", "json")
    with up(tmp_path) as folder:
        assert folder.run("register", str(models / "tree.bundle")).stdout == "iris:1\n"
        assert folder.run("register", str(models / "tree.bundle")).stdout == "iris:1\n"
        assert folder.run("register", str(models / "line.bundle")).stdout == "iris:2\n"
        folder.run("deploy", "iris:1")
        answer = json.loads(folder.run(*row, "--url", folder.url).stdout)
        assert (answer["version"], answer["prediction"]) == (1, 0)
        folder.run("alias", "set", "iris@champion", "2")
        assert folder.json("alias", "list", "iris")[0]["version"] == 2
        folder.run("activate", "iris@champion")
        eventually(lambda: json.loads(folder.run(*row, "--url", folder.url).stdout)["version"] == 2)
        assert folder.json("models", "status", "--model-id", "iris")["live"] == 2
        assert "iris:1" in folder.run("models", "versions", "iris").stdout
        assert folder.json("diff", "iris:1", "iris:2")
        actions = [entry["action"] for entry in folder.json("audit", "--since", "1h")]
        assert actions.count("model.register") >= 2
        assert folder.run("doctor").returncode == 0
        folder.run("backup", "b.tar")
    with up(tmp_path) as folder:
        eventually(lambda: folder.run(*row, "--url", folder.url, ok=False).returncode == 0)
        assert json.loads(folder.run(*row, "--url", folder.url).stdout)["version"] == 2
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Folder(elsewhere).run("restore", str(tmp_path / "b.tar"))
    with up(elsewhere) as folder:
        eventually(lambda: folder.run(*row, "--url", folder.url, ok=False).returncode == 0)


def test_without_a_platform_a_command_says_what_to_do(tmp_path: Path) -> None:
    ended = Folder(tmp_path).run("models", "list", ok=False)
    assert ended.returncode == 2
    assert "modelport up" in ended.stderr


def test_up_ends_with_what_keeps_its_replica_from_starting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = Folder(tmp_path).run("up", "--port", port, "--control-port", "0", ok=False)
    assert ended.returncode == 2
    assert f"the replica did not come up: port {port} of 127.0.0.1 is in use" in ended.stderr


@pytest.mark.slow
def test_with_a_certificate_everything_is_https_and_the_folder_is_found_all_the_same(
    models: Path, tmp_path: Path
) -> None:
    paths = Authority().issue(tmp_path)
    tls = ("--tls-cert", paths.cert, "--tls-key", paths.key, "--allow-host", "localhost")
    with up(tmp_path, "--host", "0.0.0.0", *tls) as folder:
        folder.run("register", str(models / "tree.bundle"))
        folder.run("deploy", "iris:1")
        key = (tmp_path / ".modelport" / "key").read_text()
        port = folder.url.rpartition(":")[2]
        asked = ("predict", "iris", "--json", "[5.1, 3.5, 1.4, 0.2]", "--url", f"https://localhost:{port}")
        made = folder.json("keys", "create", "--name", "shop", "--scope", "infer:iris")
        folder.run(*asked, "--key", made["key"], "--ca", paths.ca)
        there = ("models", "list", "--control", folder.control, "--key", key)
        assert "iris" in folder.run(*there, "--ca", paths.ca).stdout
        assert "CERTIFICATE_VERIFY_FAILED" in folder.run(*there, ok=False).stderr
