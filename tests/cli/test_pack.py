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


def test_a_bundle_is_compiled_again_from_what_was_kept_beside_it(
    packed: Path, modelport: Modelport, tmp_path: Path
) -> None:
    assert packed.with_name("iris.source.zip").is_file()
    fresh = tmp_path / "fresh.bundle"
    ended = modelport("compile", "--again", str(packed), "--output", str(fresh), "--trust-pickle", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["same"]
    assert (
        told["after"]["identity"]
        == json.loads(modelport("inspect", str(packed), "--json").stdout)["identity"]
    )


def test_a_model_without_products_is_told_why_it_stays_as_it_is(
    folder: Path, modelport: Modelport, tmp_path: Path
) -> None:
    labelled = tmp_path / "labelled.csv"
    first, *rows = (folder / "rows.csv").read_text().splitlines()
    labelled.write_text("\n".join([f"{first},y", *(f"{row},1" for row in rows)]) + "\n")
    ended = modelport(
        *("pack", str(folder / "iris.joblib"), "--name", "iris", "--sample", str(labelled)),
        *("--trust-pickle", "--allow-weak-sandbox", "--no-source", "--output", str(tmp_path / "i.bundle")),
        *("--quantize", "auto", "--labels-column", "y"),
    )
    assert ended.returncode == 0, ended.stderr
    assert "fp32: int8: nothing to quantise" in ended.stdout
    assert not (tmp_path / "i.source.zip").exists()
