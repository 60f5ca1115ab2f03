"""LightGBM's own files, read by us before the library may see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelport.compile.boosting.checked import reading
from modelport.compile.boosting.lightgbm_text import boosted_of
from modelport.compile.sandbox.library import library


def load(path: Path) -> Any:
    """The Booster in a text file.

    Raises `SourceRefused` (`source-malformed`) for a document whose trees are not trees.
    """
    with reading("LightGBM"):
        text = path.read_text(encoding="utf-8")
    boosted_of(text)
    lightgbm = library("lightgbm")
    with reading("LightGBM"):
        return lightgbm.Booster(model_str=text, params={"verbosity": -1})
