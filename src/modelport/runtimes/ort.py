"""ONNX Runtime without its telemetry: the only place that imports it."""

from __future__ import annotations

import importlib
import os
from typing import Any

_OFF = "ORT_DISABLE_TELEMETRY"


def onnxruntime() -> Any:
    """The package `onnxruntime`, imported at the first call.

    Its builds report to their vendor and keep a database in the home folder for that. Only a variable that is
    set before the import turns this off. Who has set it, or imported the package before, has made the choice.
    """
    os.environ.setdefault(_OFF, "1")
    import onnxruntime as package

    return package


def part(name: str) -> Any:
    """A module of the package that is not imported with it, `quantization` for instance."""
    return importlib.import_module(f"{onnxruntime().__name__}.{name}")
