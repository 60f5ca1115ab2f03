"""Pickles, plain or as joblib writes them. Loading one runs its author's code."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    """The object in the file."""
    import joblib

    # joblib reads plain pickles, compressed ones, and its own arrays.
    return joblib.load(path)
