"""A Python model asked in a fresh process that has only what the bundle will have."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from modelport.compile.python.code import Code
from modelport.compile.python.exchange import Answers, Failure, Trial, read, write
from modelport.compile.sample import Sample
from modelport.core.signature import Task
from modelport.errors import CompileError, Unsupported
from modelport.runtimes.batch import Batch
from modelport.runtimes.python.spec import FOLDER

SECONDS = 900.0
"""Most time of one process."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a model answered to a sample, and what is known besides."""

    answers: Batch
    known: Answers


def ask(code: Code, sample: Sample, task: Task | None, *, at_once: int = 0) -> Tried:
    """The model's answers to all rows, in calls of `at_once` rows (0: in one call).

    It is the author's own code and runs with the rights of who packs it, but from a folder with its packed
    files alone. Raises `Unsupported` with what the model raised, and `CompileError` when its process ended.
    """
    with tempfile.TemporaryDirectory(prefix="modelport-") as place:
        folder = Path(place)
        for path, data in code.files.items():
            target = folder / "code" / path.removeprefix(FOLDER)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        trial = Trial(code.model, sample.item, task, at_once)
        (folder / "trial.json").write_bytes(msgspec.json.encode(trial))
        write(folder / "rows", sample.batch)
        _run(folder)
        known = msgspec.json.decode((folder / "answers.json").read_bytes(), type=Answers)
        return Tried(read(folder / "answers"), known)


def _run(folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "modelport.compile.python.child", str(folder)]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        msg = f"the model did not answer its sample within {SECONDS:g} s"
        raise CompileError(msg, code="python-failed", hint="give a smaller sample") from error
    if (told := folder / "error.json").exists():
        failure = msgspec.json.decode(told.read_bytes(), type=Failure)
        raise Unsupported(failure.message, code=failure.code, hint=failure.hint)
    if ended.returncode:
        msg = f"the process of the model ended while it answered its sample (exit code {ended.returncode})"
        raise CompileError(msg, code="python-failed", hint="run the model by itself first")
