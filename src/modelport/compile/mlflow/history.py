"""What is known of a model's making: its run, and what was logged beside it in MLflow's own file store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelport.compile.mlflow.document import Document

_NAME = re.compile(r"[\w./ -]{1,100}")
_MOST_FILES = 50
_MOST_BYTES = 1 << 16
_LONGEST = 200


def source_of(document: Document, flavour: str) -> dict[str, str]:
    """Run, model and version of MLflow, for people; what is not well formed is left out."""
    known = {
        "mlflow": document.mlflow_version,
        "mlflow_flavour": flavour,
        "mlflow_run": document.run_id,
        "mlflow_model": document.model_id,
    }
    return {name: value for name, value in known.items() if value and _plain(value)}


def tags_of(folder: Path) -> dict[str, str]:
    """Metrics and parameters of a run, where the folder lies in its store: as `metric.NAME`, `param.NAME`.

    A store keeps `metrics/` and `params/` beside the artifacts of a model (MLflow 3) or of a run.
    """
    for parent in folder.resolve().parents[:3]:
        if (parent / "meta.yaml").is_file() and (parent / "metrics").is_dir():
            return {**_logged(parent / "metrics", "metric"), **_logged(parent / "params", "param")}
    return {}


def _logged(folder: Path, kind: str) -> Mapping[str, str]:
    return {f"{kind}.{name}": value for name, value in _values(folder, last=kind == "metric")}


def _values(folder: Path, *, last: bool) -> Iterator[tuple[str, str]]:
    """Names and values; a line of a metric is its time, its value and its step, the newest last."""
    files = sorted(folder.iterdir())[:_MOST_FILES] if folder.is_dir() else []
    for path in files:
        if path.is_symlink() or not path.is_file() or not _NAME.fullmatch(path.name):
            continue
        with path.open("rb") as file:
            words = file.read(_MOST_BYTES).decode("utf-8", "replace")
        lines = [line for line in words.splitlines() if line.strip()]
        if not lines:
            continue
        parts = lines[-1].split()
        value = (parts[1] if len(parts) > 1 else "") if last else words.strip()
        if value and _plain(value):
            yield path.name, value


def _plain(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()
