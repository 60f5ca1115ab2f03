"""schemathesis, which makes requests out of a served OpenAPI document."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.conformance.environments import interpreter

ANSWERS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
)
"""No 5xx, and every answer has a status, type, headers and body that the document promises."""


def requested(document: str, work: Path, *options: str, examples: int, seconds: float, shown: int) -> None:
    """Fails with the last `shown` characters of what it reports. It makes the same requests in every run.

    Args:
        document: its URL.
        work: folder it may write to.
        examples: requests for each operation and phase.
        seconds: it may take.
    """
    program = interpreter("schemathesis").parent / "schemathesis"
    chosen = ["--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)]
    done = subprocess.run(
        [str(program), "--no-color", "run", document, *chosen, "--generation-deterministic",
         "--continue-on-failure", *options],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(done.stdout[-shown:] + done.stderr, pytrace=False)
