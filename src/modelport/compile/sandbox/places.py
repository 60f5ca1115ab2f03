"""Libraries look for places to write while they are imported; in the sandbox there may be none."""

from __future__ import annotations

import os
import tempfile


def prepare() -> None:
    """Keep TensorFlow and Keras from looking. To be called before either is imported.

    What they would write there is not needed; a model whose loading does write (a `.keras` file with assets)
    is refused where the sandbox has no scratch of its own.
    """
    os.environ.setdefault("KERAS_HOME", "absent")  # else it is somebody's home
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tempfile.tempdir = os.environ.get("TMPDIR", "/tmp")  # noqa: S108  unasked, it is tried by writing
