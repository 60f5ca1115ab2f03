"""One virtual environment per peer, made on first use and made again when its requirements change."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.failure import BenchmarkError
from benchmarks.places import ENVIRONMENTS, PEERS

MARK = "requirements.sha256"


def interpreter(peer: str) -> Path:
    """The Python of the peer's environment, installed first when it is missing or out of date."""
    folder, requirements = ENVIRONMENTS / peer, PEERS / peer / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    mark = folder / MARK
    if not mark.exists() or mark.read_text() != wanted:
        _install(peer, folder, requirements)
        mark.write_text(wanted)
    return folder / "bin" / "python"


def pins(peer: str) -> dict[str, str]:
    """What the peer's requirements pin: distribution name to version."""
    lines = (PEERS / peer / "requirements.txt").read_text().splitlines()
    pairs = (line.split("==", 1) for line in lines if "==" in line)
    return {name.strip(): version.strip() for name, version in pairs}


def _install(peer: str, folder: Path, requirements: Path) -> None:
    print(f"installing the environment of {peer} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run(peer, sys.executable, "-m", "venv", str(folder))
    pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet")
    _run(peer, *pip, *_options(requirements), "--requirement", str(requirements))


def _options(requirements: Path) -> tuple[str, ...]:
    """What the first line asks of pip: a full list needs nothing else, and some packages ask for too much."""
    first = requirements.read_text().partition("\n")[0]
    return tuple(first.removeprefix("# pip:").split()) if first.startswith("# pip:") else ()


def _run(peer: str, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"the environment of {peer} does not install:\n{done.stderr[-2000:]}"
        raise BenchmarkError(msg)
