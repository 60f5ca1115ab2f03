"""TorchScript archives: a module with its code in a language of its own, which torch interprets."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    """The `torch.jit.ScriptModule` in the file."""
    import torch

    return torch.jit.load(str(path), map_location="cpu")
