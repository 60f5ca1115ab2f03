"""A library that only some models need."""

from __future__ import annotations

import importlib
from typing import Any

from modelport.errors import Unsupported


def library(name: str, install: str = "") -> Any:
    """The library called `name`. Raises `Unsupported` (`library-missing`) with how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        msg = f"the model is one of {name}, which does not load here: {' '.join(str(error).split())[:200]}"
        raise Unsupported(msg, code="library-missing", hint=f"pip install {install or name}") from error
