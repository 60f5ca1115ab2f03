"""What a hostile file would try, tried by ourselves: the sandbox is believed only after all of it failed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_TIMEOUT = 2.0
_MANY = 256


def task(inputs: Mapping[str, Path], options: Mapping[str, Any]) -> Mapping[str, bytes]:
    """Try everything; answer, per attempt, whether it was stopped."""
    tries: dict[str, Callable[[], object]] = {
        "connect": lambda: _connect(options["port"]),
        "read": lambda: Path(options["canary"]).read_bytes(),
        "write": lambda: Path(options["canary"]).with_name("written").write_bytes(b"x"),
        "fill": lambda: _fill(options["scratch"]),
        "fork": _fork,
        "signal": lambda: os.kill(os.getppid(), 0),
        "change-input": lambda: _append(inputs["input"]),
        "mode": lambda: inputs["input"].chmod(0o777),
    }
    stopped = {name: _stopped(attempt) for name, attempt in tries.items()}
    return {"stopped.json": json.dumps(stopped).encode()}


def _stopped(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT).close()


def _fill(scratch: int) -> None:
    """Write twice what is allowed, in pieces that each pass the limit on one file."""
    for number in range(4):
        with Path(f"fill{number}").open("wb") as file:
            file.writelines(b"\0" * (1 << 20) for _ in range(0, scratch // 2, 1 << 20))


def _fork() -> None:
    for _ in range(_MANY):
        if os.fork() == 0:
            os._exit(0)


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")
