"""A new server takes over the port of a running one under load: real replicas, real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer, Raw
from tests.acceptance.served import summing
from tests.acceptance.traffic import traffic

from modelport.errors import SettingsError
from modelport.serving.checks import check
from modelport.serving.replica import activation, opening, sockets, takeover
from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, alive, eventually, replica

GOOD = summing("one")


def version(answer: Answer) -> str:
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    return "ok" if answer.json()["prediction"] in {3.0, 6.0} else "wrong"


class Upgrade:
    """A replica and its successors, each in a folder of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.port = 0

    def start(self, name: str, *, factor: float = 1.0, golden: bool = True, workers: int = 2) -> Replica:
        folder = self._folder / name
        folder.mkdir()
        wrong = {"inputs": {"input": [[1.0, 2.0]]}, "outputs": {"value": [99.0]}, "rows": 1}
        bundle = dummy(folder / "one.bundle", "one", factor=factor, golden=None if golden else wrong)
        settings = Settings(
            bundles=(bundle,),
            port=self.port,
            workers=workers,
            takeover=str(self._folder / "s"),
            drain_seconds=5.0,
        )
        return self._stack.enter_context(replica(folder, settings))

    def first(self) -> Replica:
        running = self.start("old")
        running.wait_ready()
        eventually((self._folder / "s").is_socket)
        self.port = urlsplit(running.url).port or 0
        return running


@pytest.fixture
def upgrade(tmp_path: Path) -> Iterator[Upgrade]:
    with ExitStack() as stack:
        yield Upgrade(tmp_path, stack)


def factor(running: Replica) -> float:
    with Raw(running.url) as raw:
        answered: float = raw.ask(GOOD).json()["prediction"]
    return answered / 3.0


def test_an_upgrade_under_load_fails_no_request_and_refuses_no_connection(upgrade: Upgrade) -> None:
    old = upgrade.first()
    with traffic(old.url, [GOOD], version, rate=300, clients=8) as seen:
        for number in (2, 3):
            new = upgrade.start(f"new{number}", factor=2.0, workers=number)
            new.wait_ready()
            assert old.end() == 0
            assert not any(alive(pid) for pid in old.pids())
            assert new.events("taking over")
            old = new
            eventually(lambda: factor(new) == 2.0)  # noqa: B023 - at once
            eventually((upgrade._folder / "s").exists)
    assert seen.failed == 0, seen.counts
    assert seen.counts["refused"] == 0
    assert seen.counts["ok"] > 100
    assert old.url.endswith(f":{upgrade.port}")


def test_a_successor_that_cannot_serve_leaves_the_old_one_in_place(upgrade: Upgrade) -> None:
    old = upgrade.first()
    with traffic(old.url, [GOOD], version, rate=200, clients=4) as seen:
        new = upgrade.start("bad", golden=False)
        assert new.end() == 2
        eventually(lambda: old.events("takeover given up"))
        better = upgrade.start("good", factor=2.0)
        better.wait_ready()
        assert old.end() == 0
    assert seen.failed == 0, seen.counts
    assert seen.counts["refused"] == 0


def test_a_successor_that_is_killed_while_it_loads_leaves_the_old_one_in_place(upgrade: Upgrade) -> None:
    old = upgrade.first()
    new = upgrade.start("new")
    eventually(lambda: old.events("takeover asked"))
    new.signal(signal.SIGKILL)
    eventually(lambda: old.events("takeover given up"))
    assert factor(old) == 1.0


def test_a_path_left_by_a_replica_that_was_killed_is_used_again(upgrade: Upgrade, tmp_path: Path) -> None:
    old = upgrade.first()
    old.signal(signal.SIGKILL)
    old.end()
    eventually(lambda: not any(alive(pid) for pid in old.pids()))
    new = upgrade.start("new")
    new.wait_ready()
    assert not new.events("taking over")
    new.signal(signal.SIGTERM)
    assert new.end() == 0
    assert not (tmp_path / "s").exists()


def test_another_address_is_refused(upgrade: Upgrade) -> None:
    old = upgrade.first()
    upgrade.port += 1
    new = upgrade.start("new")
    assert new.end() == 2
    assert new.events("not started")[0]["code"] == "takeover-mismatch"
    assert factor(old) == 1.0


def test_who_says_something_else_gets_no_socket(upgrade: Upgrade, tmp_path: Path) -> None:
    old = upgrade.first()
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(tmp_path / "s"))
        wire.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert wire.recv(100) == b""
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    assert factor(old) == 1.0


def test_nobody_there_is_no_takeover(tmp_path: Path) -> None:
    assert takeover.take(tmp_path / "nobody") is None


def test_somebody_else_there_is_an_error(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        door.settimeout(30)
        code = f"""
from pathlib import Path
from modelport.serving.replica import takeover
takeover.take(Path({str(tmp_path / "s")!r}))
"""
        child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        wire, _ = door.accept()
        with wire:
            wire.sendall(b"hello\n")
        _, told = child.communicate(timeout=20)
    assert b"does not hand over its port" in told


@pytest.mark.parametrize("name", ["nowhere/s", "file", "x" * 200])
def test_a_path_that_is_no_place_for_a_socket_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    bundle = dummy(tmp_path / "one.bundle", "one")
    with pytest.raises(SettingsError):
        check(Settings(bundles=(bundle,), takeover=str(tmp_path / name)))


def test_more_workers_than_sockets_get_sockets_beside_them() -> None:
    found = sockets.bind("127.0.0.1", 0, 2)
    shared = opening.shared_out(found, 4)
    assert len({sock.fileno() for sock in shared}) == 4
    assert len({sock.getsockname() for sock in shared}) == 1
    assert opening.shared_out(found, 1) == found
    for sock in shared:
        sock.close()


def test_sockets_of_a_service_manager_are_only_for_the_process_they_are_meant_for() -> None:
    assert activation.passed({"LISTEN_FDS": "1", "LISTEN_PID": "1"}, os.getpid()) == []
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": "1", "HOME": "/"}
    activation.passed(environment, 2)
    assert environment == {"HOME": "/"}, "children are not told"


_ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "modelport.serving", "--settings", sys.argv[2]])
"""


def test_a_service_manager_s_socket_is_served_by_all_workers(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "one.bundle", "one")
    document = msgspec.json.encode(Settings(bundles=(bundle,), workers=2)).decode()
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(tmp_path / "n"))
    notified.settimeout(20)
    with socket.socket() as door, notified:
        door.bind(("127.0.0.1", 0))
        door.listen()
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        with Raw(url) as early:  # it waits in the queue of a server that does not run yet
            early.send(GOOD)
            process = subprocess.Popen(
                [sys.executable, "-c", _ACTIVATE, str(door.fileno()), document],
                pass_fds=[door.fileno()],
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "n")},
                stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            try:
                assert notified.recv(100) == b"READY=1"
                assert version(early.read()) in {"ok", "503 not-ready"}
                with Raw(url) as raw:
                    assert version(raw.ask(GOOD)) == "ok"
                process.send_signal(signal.SIGTERM)
                assert notified.recv(100) == b"STOPPING=1"
                assert process.wait(20) == 0
            finally:
                process.kill()
