"""A real `modelport up` for tests, on either database and either store, and the commands typed beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from modelport.cli.app import app

PATIENCE = 60.0


@dataclass
class Folder:
    """A working folder. `environment` is what its commands see besides ours; `url` and `control` are where
    predictions and the control plane are, `said` what `modelport up` printed."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    control: str = ""
    said: list[str] = field(default_factory=list)

    def run(self, *arguments: str, ok: bool = True) -> Result:
        """One command, typed in the folder; in this process, which saves starting one."""
        unset = dict.fromkeys(name for name in os.environ if name.startswith("MODELPORT_"))
        with contextlib.chdir(self.path):
            ended = CliRunner().invoke(
                app, arguments, prog_name="modelport", env={**unset, **self.environment, "COLUMNS": "200"}
            )
        if not isinstance(ended.exception, SystemExit | None):
            raise ended.exception  # a traceback is what no command may show
        assert not ok or ended.exit_code == 0, f"{' '.join(arguments)}: {ended.output}"
        return ended

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A command as a process of its own, with what it prints as one stream."""
        return subprocess.Popen(
            [sys.executable, "-m", "modelport.cli", *arguments],
            cwd=self.path,
            env={**_clean(os.environ), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@contextmanager
def up(path: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Folder]:
    """`modelport up` until left; it has to end by itself after Ctrl-C."""
    folder = Folder(path, environment or {})
    process = folder.begin("up", "--port", "0", "--control-port", "0", *options)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            folder.said.append(line.rstrip())
            if line.startswith("predictions"):
                folder.url = line.split()[1]
            if line.startswith("control API"):
                folder.control = line.split()[2]
            if line.startswith("next"):
                break
        assert folder.url, folder.said
        yield folder
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def eventually(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("MODELPORT_")}
