"""Model folders of a real MLflow, in an environment of its own."""

from __future__ import annotations

import re
import subprocess

import pytest
from tests.conformance.environments import ROOT, with_ours

pytestmark = pytest.mark.conformance


def test_what_mlflow_logs_is_packed_or_refused_with_the_reason() -> None:
    command = [str(with_ours("mlflow")), "-m", "pytest", "-q", "-m", "conformance", "tests/compile/mlflow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-5000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found, done.stdout[-500:]
    assert int(found[1]) >= 6
