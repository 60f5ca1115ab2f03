"""What is packed as code: classes, functions, and live models of libraries that cannot be compiled."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelport.compile.python.code import Code, collect


def is_code(model: Any) -> bool:
    """Whether a model is packed as code: a class, a function, or a spaCy pipeline."""
    return inspect.isclass(model) or inspect.isfunction(model) or _is_spacy(model)


def code_of(model: Any, files: Sequence[str | Path], requires: Sequence[str], *, pure: bool) -> Code:
    """The code of a model, with whatever it needs; as `code.collect`, and for spaCy pipelines."""
    if _is_spacy(model):
        from modelport.compile.spacy.code import collect as collect_spacy

        return collect_spacy(model)
    return collect(model, files, requires, pure=pure)


def _is_spacy(model: Any) -> bool:
    return any(kind.__module__ == "spacy.language" for kind in type(model).__mro__)
