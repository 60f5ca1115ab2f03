"""Runs a foreign client in its own process and environment: calls in as JSON, what it saw out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conformance.environments import interpreter
from tests.conformance.models import Model, Rows

CLIENTS = Path(__file__).parent / "clients"
Call = dict[str, Any]


def ask(client: str, url: str, calls: Sequence[Call], *more: str) -> list[Any]:
    """The answers to the calls, in order."""
    done = subprocess.run(
        [str(interpreter(client)), str(CLIENTS / f"run_{client}.py"), url, *more],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers: list[Any] = json.loads(done.stdout)
    return answers


def tensors(model: Model, rows: Rows, *, binary: bool, dtypes: Mapping[str, str] | None = None) -> Call:
    """The rows as a client's input tensors; `dtypes` replaces the datatype of an input."""
    return {
        name: {
            "datatype": (dtypes or {}).get(name, model.fields[name].dtype),
            "shape": list(values.shape),
            "values": values.tolist(),
            "binary": binary,
        }
        for name, values in rows.items()
    }
