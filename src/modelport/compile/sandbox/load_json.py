"""Models that are written as JSON: XGBoost's and CatBoost's, told apart by what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelport.compile.boosting.checked import refused
from modelport.compile.sandbox import load_catboost, load_xgboost


def load(path: Path) -> Any:
    """The model in the file. Raises `SourceRefused` (`source-malformed`) for any other document."""
    data = path.read_bytes()
    document = _decoded(data)
    if isinstance(document, dict) and "learner" in document:
        return load_xgboost.loaded(document, data)
    if isinstance(document, dict) and "features_info" in document:
        return load_catboost.loaded(document, path)
    msg = "the file is JSON, and neither XGBoost nor CatBoost wrote it"
    raise refused(msg)


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        msg = f"the file is not JSON as a library writes it: {error}"
        raise refused(msg) from error
