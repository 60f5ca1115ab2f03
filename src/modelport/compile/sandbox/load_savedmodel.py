"""SavedModel folders: a graph of TensorFlow with its variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelport.compile.sandbox import places
from modelport.errors import SourceRefused


def load(path: Path) -> Any:
    """What `tf.saved_model.load` gives. Raises `SourceRefused` (`savedmodel-corrupt`)."""
    places.prepare()
    places.require("tensorflow")
    import tensorflow as tf

    try:
        return tf.saved_model.load(str(path))
    except Exception as error:  # what TensorFlow raises on a broken file is as it comes: IndexError, too
        line = (str(error).splitlines() or [type(error).__name__])[0]
        msg = f"TensorFlow does not take the SavedModel: {line[:300]}"
        hint = "is the folder whole, with variables and assets?"
        raise SourceRefused(msg, code="savedmodel-corrupt", hint=hint) from error
