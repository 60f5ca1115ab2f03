"""Bundles of Python models, written by hand: one file of source, and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle.writer import write
from modelport.core.golden import Golden
from modelport.core.manifest import FORMAT, About, Manifest, Parameters
from modelport.core.signature import Field, Signature
from modelport.runtimes.python.spec import PythonModel, step_of

SIGNATURE = Signature("vector", (Field("input", "FP64", (-1, 2)),), (Field("value", "FP64", (-1,)),))


def hosted(
    path: Path,
    source: str,
    *,
    name: str = "custom",
    entry: str = "own_model:Model",
    golden: dict[str, list[Any]] | None = None,
    requirements: dict[str, str] | None = None,
    files: dict[str, bytes] | None = None,
    batch_size: int = 64,
) -> str:
    """A bundle whose `own_model.py` is `source`; its path. It takes two numbers a row, and answers one."""
    module = entry.partition(":")[0]
    manifest = Manifest(
        FORMAT,
        "python",
        "regression",
        SIGNATURE,
        None,
        (step_of(PythonModel(entry, requirements or {})),),
        Parameters(batch_size=batch_size),
        (),
        executable=True,
    )
    content = {f"model/code/{module}.py": source.encode(), **(files or {})}
    attachments = {}
    if golden:
        rows = Golden({"input": golden["input"]}, {"value": golden["value"]}, len(golden["input"]))
        attachments["golden.json"] = msgspec.json.encode(rows)
    write(path, manifest, About(name), content, attachments)
    return str(path)
