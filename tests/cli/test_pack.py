"""Packing with the command line: real processes, a real pickle, the real sandbox."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Modelport = Callable[..., subprocess.CompletedProcess[str]]


def test_a_pickle_is_not_loaded_without_being_told_to(folder: Path, modelport: Modelport) -> None:
    refused = modelport(
        *("pack", str(folder / "iris.joblib"), "--name", "iris", "--sample", str(folder / "rows.csv")),
        *("--output", str(folder / "refused.bundle")),
    )
    assert refused.returncode == 2
    assert "--trust-pickle" in refused.stderr
    assert not (folder / "refused.bundle").exists()


def test_what_was_packed_can_be_inspected(packed: Path, modelport: Modelport) -> None:
    found = json.loads(modelport("inspect", str(packed), "--json").stdout)
    assert (found["name"], found["label"], found["executable"]) == ("iris", "2.1.0", False)
    assert found["parity"]["holds"]
    assert found["speed"]["timings"]
    assert "labels agree" in modelport("inspect", str(packed)).stdout


def test_an_unsafe_address_is_refused_with_the_way_to_make_it_safe(
    packed: Path, modelport: Modelport
) -> None:
    ended = modelport("serve", str(packed), "--host", "0.0.0.0")
    assert ended.returncode == 2
    assert "keys create" in ended.stderr
