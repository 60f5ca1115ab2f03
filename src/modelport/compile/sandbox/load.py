"""Inside the sandbox: turn a model file into an object, with its form's loader. Imported nowhere else."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from modelport.compile.forms import named


def load(path: Path, form: str) -> Any:
    """The object in the file or folder. Raises what the form's loader raises, `SourceRefused` above all."""
    return importlib.import_module(named(form).loader).load(path)
