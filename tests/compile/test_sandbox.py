"""Case 66: a converter input that attacks is stopped, with a clear cause, on every rung of the ladder."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport.compile.sandbox import bwrap, frames, landlock, run
from modelport.compile.sandbox.frames import Receiver
from modelport.compile.sandbox.limits import GIB, Limits
from modelport.compile.sandbox.process import Result, Rung, Work, run_in
from modelport.compile.sandbox.selftest import weakness
from modelport.errors import CompileError, SandboxError

SECRET = "a canary nobody may read"
LIMITS = Limits(memory=2 * GIB, cpu=20, wall=30.0, output=1 << 20, scratch=4 << 20)


class Attack:
    """Runs `code` when it is unpickled."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.code, {})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with credentials, and a secret in the environment; both still as they were afterwards."""
    secret = tmp_path / "home" / ".aws" / "credentials"
    secret.parent.mkdir(parents=True)
    secret.write_text(SECRET)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    yield tmp_path / "home"
    assert secret.read_text() == SECRET
    assert [path.name for path in secret.parent.iterdir()] == ["credentials"]


def attack(rung: Rung, folder: Path, code: str, limits: Limits = LIMITS) -> Result:
    model, sample, outputs = folder / "model.pkl", folder / "rows.csv", folder / "out"
    model.write_bytes(pickle.dumps(Attack(code)))
    sample.write_text("a,b\n1,2\n3,4\n")
    outputs.mkdir()
    work = Work(
        "convert", {"model": model, "sample": sample}, outputs, limits, {"form": "pickle", "labels": None}
    )
    return run_in(rung, work)


def stopped(rung: Rung, folder: Path, code: str, limits: Limits = LIMITS) -> CompileError:
    with pytest.raises(CompileError) as caught:
        attack(rung, folder, code, limits)
    assert SECRET not in str(caught.value)
    assert not any((folder / "out").iterdir())
    return caught.value


FILL = """
for n in range(10_000):
    with open(f"junk{n}", "wb") as file:
        file.write(b"x" * (1 << 20))
"""
FLOOD = """
import os
while True:
    for fd in range(3, 16):
        try:
            os.write(fd, b"x" * 65536)
        except OSError:
            pass
"""

ATTACKS: dict[str, tuple[str, set[str]]] = {
    "connect-out": (
        "import socket; socket.create_connection(('127.0.0.1', {port}), 5)",
        {"sandbox-denied"},
    ),
    "resolve-a-name": ("import socket; socket.getaddrinfo('example.org', 443)", {"source-failed"}),
    "read-credentials": ("open({home!r} + '/.aws/credentials').read()", {"sandbox-denied", "source-failed"}),
    "list-home": ("import os; os.listdir({home!r})", {"sandbox-denied", "source-failed"}),
    "write-into-home": ("open({home!r} + '/.aws/owned', 'w')", {"sandbox-denied", "source-failed"}),
    "read-passwords": ("open('/etc/passwd').read()", {"sandbox-denied", "source-failed"}),
    "tell-the-environment": ("import os; raise ValueError(dict(os.environ))", {"source-failed"}),
    "read-our-environment": (
        "raise ValueError(open('/proc/{parent}/environ').read())",
        {"sandbox-denied", "source-failed"},
    ),
    "map-our-memory": ("open('/proc/{parent}/maps').read()", {"sandbox-denied", "source-failed"}),
    "read-our-memory": ("open('/proc/{parent}/mem', 'rb').read(1)", {"sandbox-denied", "source-failed"}),
    "fork-10000-times": ("import os\nfor _ in range(10_000): os.fork()", {"sandbox-denied"}),
    "start-a-program": (
        "import subprocess; subprocess.run(['/bin/true'])",
        {"sandbox-denied", "source-failed"},
    ),
    "become-a-program": ("import os, sys; os.execv(sys.executable, ['python'])", {"sandbox-denied"}),
    "fill-the-disk": (FILL, {"sandbox-denied"}),
    "kill-the-parent": ("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", {"sandbox-denied"}),
    "kill-us": ("import os, signal; os.kill({parent}, signal.SIGKILL)", {"sandbox-denied"}),
    "kill-everybody": ("import os, signal; os.kill(-1, signal.SIGKILL)", {"sandbox-denied"}),
    "change-its-input": ("import os; os.chmod({model!r}, 0o777)", {"sandbox-denied", "source-failed"}),
    "allocate-memory": ("x = bytearray(64 << 30)", {"sandbox-memory"}),
    "flood-the-answer": (FLOOD, {"sandbox-output"}),
    "just-leave": ("import os; os._exit(0)", {"sandbox-died"}),
    "crash": ("import ctypes; ctypes.string_at(0)", {"sandbox-died"}),
    "raise-anything": ("raise SystemExit(0)", {"source-failed"}),
}


@pytest.mark.parametrize(("code", "causes"), ATTACKS.values(), ids=[f"66-{name}" for name in ATTACKS])
def test_attack_is_stopped_with_a_cause(
    tmp_path: Path, home: Path, rung: Rung, code: str, causes: set[str]
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        filled = code
        for name, value in {
            "{port}": str(listener.getsockname()[1]),
            "{home!r}": repr(str(home)),
            "{model!r}": repr(str(tmp_path / "model.pkl")),
            "{parent}": str(os.getpid()),
        }.items():
            filled = filled.replace(name, value)
        assert stopped(rung, tmp_path, filled).code in causes
        with pytest.raises(BlockingIOError):
            listener.accept()


OWN_MAP = """
if "[stack]" in open("/proc/self/maps").read():
    raise LookupError("it read its own map")
"""


def test_a_process_may_read_where_its_own_memory_is_mapped(tmp_path: Path, home: Path, rung: Rung) -> None:
    """threadpoolctl, which scikit-learn calls while it predicts, finds the loaded libraries there."""
    assert "it read its own map" in str(stopped(rung, tmp_path, OWN_MAP))


def test_66_sleeping_for_ever_ends_at_the_wall_clock(tmp_path: Path, home: Path, rung: Rung) -> None:
    limits = Limits(memory=2 * GIB, cpu=20, wall=2.0)
    assert stopped(rung, tmp_path, "import time; time.sleep(1e6)", limits).code == "sandbox-timeout"


def test_66_computing_for_ever_ends_at_the_processor_limit(tmp_path: Path, home: Path, rung: Rung) -> None:
    code = "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    limits = Limits(memory=2 * GIB, cpu=2, wall=20.0)
    assert stopped(rung, tmp_path, code, limits).code == "sandbox-cpu"


def test_a_forged_answer_is_taken_as_files_and_nothing_more(tmp_path: Path, home: Path, rung: Rung) -> None:
    """The process may say "done" itself: what it hands back is judged by `converted`, not believed."""
    done = struct.pack(">4sHQ", b"MPF1", len(frames.DONE), 0) + frames.DONE.encode()
    code = f"""
import os
for fd in range(3, 16):
    try:
        os.write(fd, {done!r})
    except OSError:
        pass
os._exit(0)
"""
    assert attack(rung, tmp_path, code).files == ()


def test_the_sandbox_dies_with_its_parent(tmp_path: Path, rung: Rung) -> None:
    """kill -9 of whoever packs leaves no process behind."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Attack("import time; time.sleep(600.125)")))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "out").mkdir()
    script = f"""
import sys; sys.path[:] = {sys.path!r}
from pathlib import Path
from modelport.compile.sandbox.limits import Limits
from modelport.compile.sandbox.process import Work, run_in
folder = Path({str(tmp_path)!r})
inputs = {{"model": folder / "model.pkl", "sample": folder / "rows.csv"}}
run_in({rung!r}, Work("convert", inputs, folder / "out", Limits(), {{"form": "pickle", "labels": None}}))
"""
    # Whoever is killed cannot clean up: its empty folder stays where we can see it.
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(tmp_path)})
    children = _wait_for(lambda: _children(parent.pid))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _wait_for(lambda: not any(_runs(child) for child in children))


def _runs(pid: int) -> bool:
    """Whether it lives; what is dead may still wait for somebody to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in found for each in (int(child), *_children(int(child)))]


def _wait_for(condition: Any) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    return pytest.fail("it did not happen in time")


def test_a_rung_holds_against_our_own_attempts(rung: Rung) -> None:
    assert weakness(rung) == ""


def test_a_rung_that_does_not_hold_is_found_out() -> None:
    """Limits alone leave every file readable, and the self-test says so."""
    assert "read" in weakness("weak")


def test_without_a_sandbox_the_work_is_refused_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bwrap, "program", lambda: None)
    monkeypatch.setattr(landlock, "version", lambda: 0)
    with pytest.raises(SandboxError, match="bubblewrap") as caught:
        run.choose()
    assert caught.value.code == "sandbox-missing"
    assert run.choose(allow_weak=True) == "weak"


# -- the stream out of the sandbox ---------------------------------------------------------------------------


def frame(name: bytes, data: bytes, size: int | None = None) -> bytes:
    return struct.pack(">4sHQ", b"MPF1", len(name), len(data) if size is None else size) + name + data


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_files_arrive_whole_however_the_stream_is_cut(tmp_path: Path, step: int) -> None:
    stream = frame(b"a.bin", b"one") + frame(b"b/c.bin", b"") + frame(b"d", b"x" * 99) + frame(b"!done", b"")
    receiver = Receiver(tmp_path, 10_000)
    for at in range(0, len(stream), step):
        receiver.feed(stream[at : at + step])
    assert receiver.ended == frames.DONE
    assert receiver.names == ["a.bin", "b/c.bin", "d"]
    assert (tmp_path / "a.bin").read_bytes() == b"one"
    assert (tmp_path / "b/c.bin").read_bytes() == b""
    assert (tmp_path / "d").read_bytes() == b"x" * 99


@pytest.mark.parametrize(
    "stream",
    [
        b"x" * 100,
        frame(b"../out", b"x"),
        frame(b"/etc/passwd", b"x"),
        frame(b"a", b"x" * 2000),
        frame(b"!done", b"", size=1 << 40) + b"x",
        b"".join(frame(b"n%d" % number, b"") for number in range(3000)),
    ],
    ids=["form", "climbing", "absolute", "too-much", "report", "count"],
)
def test_a_stream_against_the_rules_is_refused(tmp_path: Path, stream: bytes) -> None:
    into = tmp_path / "into"
    into.mkdir()
    receiver = Receiver(into, 1000 if len(stream) < 10_000 else 1_000_000)
    with pytest.raises(SandboxError) as caught:
        receiver.feed(stream)
    assert caught.value.code == "sandbox-output"
    receiver.close()
    assert {path.name for path in tmp_path.iterdir()} == {"into"}
