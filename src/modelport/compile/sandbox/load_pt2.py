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

    Raises `SourceRefused`: `pickle-refused` when some of its weights or constants are pickled objects,
    `source-malformed` when PyTorch does not take it.
    """
    import torch

    pickled = next(_pickled(path), None)
    if pickled is not None:
        msg = f"the exported program holds {pickled!r} as a pickle"
        hint = "keep plain tensors on the module, and export it again"
        raise SourceRefused(msg, code="pickle-refused", hint=hint)
    try:
        return torch.export.load(str(path))
    except Exception as error:  # what PyTorch raises on a broken file is as it comes
        line = (str(error).splitlines() or [""])[0]
        msg = f"PyTorch does not take the exported program: {type(error).__name__}: {line[:200]}"
        hint = "is it whole, and saved by a PyTorch no newer than the one here?"
        raise SourceRefused(msg, code="source-malformed", hint=hint) from error


def _pickled(path: Path) -> Iterator[str]:
    """Names of what is not plain bytes, by the tables in the archive."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith("_config.json") and entry.file_size <= _MOST:
                yield from _in_table(archive.read(entry), entry.filename.rpartition("/")[2])


def _in_table(data: bytes, name: str) -> Iterator[str]:
    try:
        table = json.loads(data)["config"]
        yield from [str(each) for each, value in table.items() if value["use_pickle"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        msg = f"the table {name!r} of the exported program does not say how its weights are kept"
        raise SourceRefused(
            msg, code="source-malformed", hint="save it again with torch.export.save"
        ) from error
