"""Folders of transformers: safetensors, a configuration, a tokenizer or an image processor, without code."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    """A `TextEncoder` where the folder holds no head for a task, else the model with its tokenizer.

    An image classifier comes with the settings of its image processor.

    Raises `SourceRefused` and `Unsupported` as `compile.transformers.subject.of_folder` does.
    """
    from modelport.compile.transformers.folder import config_of, load_model
    from modelport.compile.transformers.subject import architecture, is_encoder, of_folder
    from modelport.compile.transformers_image.adopt import ENDING, processor_of

    if architecture(config_of(path)).endswith(ENDING):
        settings = processor_of(path)
        return load_model(path, "AutoModelForImageClassification"), settings
    if is_encoder(path):
        from modelport.compile.transformers.encoder import TextEncoder

        return TextEncoder(path)
    subject = of_folder(path)
    return subject.model, subject.tokenizer
