"""Folders of transformers: safetensors, a configuration and a tokenizer, without code."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    """A `TextEncoder` where the folder holds no head for a task, else the model with its tokenizer.

    Raises `SourceRefused` and `Unsupported` as `compile.transformers.subject.of_folder` does.
    """
    from modelport.compile.transformers.subject import is_encoder, of_folder

    if is_encoder(path):
        from modelport.compile.transformers.encoder import TextEncoder

        return TextEncoder(path)
    subject = of_folder(path)
    return subject.model, subject.tokenizer
