"""One virtual environment per foreign client: pinned, made on first use, made again when its pins change."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).parent / "environments"
ROOT = Path(__file__).resolve().parents[2]
MADE = ROOT / ".conformance" / "envs"
"""Not part of the repository, and kept between runs."""


def interpreter(client: str) -> Path:
    """The Python that can import `client`, which ours cannot: its pins and ours do not agree."""
    pins, folder = PINS / f"{client}.txt", MADE / client
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    mark = folder / "pins.sha256"
    if not mark.exists() or mark.read_text() != wanted:
        _make(folder, pins)
        mark.write_text(wanted)
    return folder / "bin" / "python"


def with_ours(client: str) -> Path:
    """As `interpreter`, for an environment in which this package is installed as well, as it is here."""
    python = interpreter(client)
    mark = MADE / client / "ours"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        _run(str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--editable", str(ROOT))
        mark.write_text(wanted)
    return python


def _make(folder: Path, pins: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(folder))
    _run(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(pins))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
