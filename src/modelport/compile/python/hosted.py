"""What is packed as code: classes, functions, and live models of libraries that cannot be compiled."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelport.compile.python.code import Code, collect
from modelport.errors import Unsupported


def is_code(model: Any) -> bool:
    """Whether a model is packed as code: a class, a function, or a spaCy pipeline."""
    return inspect.isclass(model) or inspect.isfunction(model) or _is_spacy(model)


def code_of(
    model: Any,
    files: Sequence[str | Path],
    requires: Sequence[str],
    *,
    arguments: Mapping[str, Any] | None = None,
    pure: bool,
) -> Code:
    """The code of a model, with whatever it needs; as `code.collect`, and for spaCy and torch."""
    if is_module(model):
        from modelport.compile.torch.hosted import collect as collect_torch

        return collect_torch(model, files, requires, arguments=arguments, pure=pure)
    if arguments is not None:
        msg = "arguments make a torch module anew, and this is none"
        raise Unsupported(msg, code="python-entry", hint="leave them out")
    if _is_spacy(model):
        from modelport.compile.spacy.code import collect as collect_spacy

        return collect_spacy(model)
    return collect(model, files, requires, pure=pure)


def _is_spacy(model: Any) -> bool:
    return any(kind.__module__ == "spacy.language" for kind in type(model).__mro__)


def is_module(model: Any) -> bool:
    """Whether a model is a live `torch.nn.Module`; does not import torch."""
    return any(kind.__module__ == "torch.nn.modules.module" for kind in type(model).__mro__)
