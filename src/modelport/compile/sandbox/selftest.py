"""A sandbox is believed after it held: before the first use in a process, we try to break out ourselves."""

from __future__ import annotations

import json
import socket
import tempfile
from functools import cache
from pathlib import Path

from modelport.compile.sandbox.limits import GIB, Limits
from modelport.compile.sandbox.process import Rung, Work, run_in
from modelport.errors import CompileError

_LIMITS = Limits(memory=GIB, cpu=10, wall=20.0, output=1 << 20, scratch=4 << 20)
_CANARY = b"a canary"


@cache
def weakness(rung: Rung) -> str:
    """Why `rung` cannot be trusted on this machine; empty when it held. Tried once per process."""
    with tempfile.TemporaryDirectory(prefix="modelport-") as name, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        try:
            return _try(rung, Path(name), listener.getsockname()[1])
        except (CompileError, OSError) as error:
            return f"it does not start: {error}"


def _try(rung: Rung, folder: Path, port: int) -> str:
    canary, given, outputs = folder / "canary", folder / "given", folder / "out"
    canary.write_bytes(_CANARY)
    given.write_bytes(_CANARY)
    outputs.mkdir()
    options = {"port": port, "canary": str(canary), "scratch": _LIMITS.scratch}
    run_in(rung, Work("selftest", {"input": given}, outputs, _LIMITS, options))
    stopped: dict[str, bool] = json.loads((outputs / "stopped.json").read_bytes())
    through = sorted(name for name, held in stopped.items() if not held)
    if given.read_bytes() != _CANARY or (folder / "written").exists():
        through.append("files changed")
    return f"it does not stop: {', '.join(through)}" if through else ""
