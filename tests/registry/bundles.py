"""Bundle files for tests, written in milliseconds, of models that multiply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle.writer import write
from modelport.core.manifest import FORMAT, About, Manifest, Parameters, Step
from modelport.core.signature import Field, Signature, Task

VECTOR = Signature("vector", (Field("input", "FP64", (-1, 2)),), (Field("value", "FP64", (-1,)),))


def made(
    folder: Path,
    factor: float = 1.0,
    *,
    label: str | None = None,
    tags: dict[str, str] | None = None,
    source: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
    signature: Signature = VECTOR,
    batch_size: int = 256,
    name: str = "churn",
    task: Task = "regression",
) -> Path:
    """A bundle file; another `factor` is another identity, other words are the same."""
    steps = (Step("dummy", {"factor": factor}),)
    parameters = Parameters(batch_size=batch_size)
    manifest = Manifest(FORMAT, "dummy", task, signature, None, steps, parameters, ())
    about = About(name, label, "2026-01-02T03:04:05Z", source or {}, tags or {})
    attachments = {name: msgspec.json.encode(document) for name, document in (evidence or {}).items()}
    folder.mkdir(exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.zip"
    write(path, manifest, about, {}, attachments)
    return path
