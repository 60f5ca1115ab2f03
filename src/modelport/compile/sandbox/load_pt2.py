"""Exported programs of PyTorch: a graph as JSON and weights as bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelport.errors import SourceRefused

_MOST = 64 << 20


def load(path: Path) -> Any:
    """The `torch.export.ExportedProgram` in the file.

    Raises `SourceRefused` (`pickle-refused`) when some of its weights or constants are pickled objects.
    """
    import torch

    pickled = next(_pickled(path), None)
    if pickled is not None:
        msg = f"the exported program holds {pickled!r} as a pickle"
        hint = "keep plain tensors on the module, and export it again"
        raise SourceRefused(msg, code="pickle-refused", hint=hint)
    return torch.export.load(str(path))


def _pickled(path: Path) -> Iterator[str]:
    """Names of what is not plain bytes, by the tables in the archive."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith("_config.json") and entry.file_size <= _MOST:
                table = json.loads(archive.read(entry)).get("config", {})
                yield from (str(name) for name, each in table.items() if each.get("use_pickle"))
