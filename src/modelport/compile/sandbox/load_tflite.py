"""TensorFlow Lite files: read by their path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelport.compile.keras.lite import LiteModel
from modelport.compile.sandbox import places


def load(path: Path) -> Any:
    """The file, for its compiler."""
    places.prepare()
    places.require("tensorflow")
    return LiteModel(path)
