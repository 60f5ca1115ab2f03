"""Libraries look for places to write while they are imported; in the sandbox there may be none."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec

from modelport.errors import Unsupported


def prepare() -> None:
    """Keep TensorFlow and Keras from looking. To be called before either is imported.

    What they would write there is not needed; a model whose loading does write (a `.keras` file with assets)
    is refused where the sandbox has no scratch of its own.
    """
    os.environ.setdefault("KERAS_HOME", "absent")  # else it is somebody's home
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tempfile.tempdir = os.environ.get("TMPDIR", "/tmp")  # noqa: S108  unasked, it is tried by writing


def require(*libraries: str) -> None:
    """Raise `Unsupported` (`extra-missing`) for the first of `libraries` that is not installed."""
    absent = next((name for name in libraries if find_spec(name) is None), None)
    if absent is not None:
        msg = f"{absent}, which loads this kind of model, is not installed"
        raise Unsupported(msg, code="extra-missing", hint="pip install 'modelport[keras]'")
