"""CatBoost's own files. Its binary form is checked by the library, its trees by us before they are used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelport.compile.boosting.catboost_document import check, loss_of
from modelport.compile.boosting.catboost_native import KINDS, document_of
from modelport.compile.boosting.checked import reading, refused
from modelport.compile.sandbox.library import library

_PLACE = re.compile(r"^\S+:\d+: ")
"""Where in the library's own source a reason was written down."""


def load(path: Path) -> Any:
    """The model in a `.cbm` file.

    Raises `SourceRefused` (`source-malformed`) for a file that CatBoost refuses, or whose trees are none.
    """
    model = _opened(library("catboost").CatBoost, path, "cbm")
    document = document_of(model)
    check(document)
    return _opened(_kind(document), path, "cbm")


def loaded(document: Mapping[str, Any], path: Path) -> Any:
    """The model in a JSON file whose document is given."""
    check(document)
    return _opened(_kind(document), path, "json")


def _kind(document: Mapping[str, Any]) -> Any:
    catboost = library("catboost")
    return catboost.CatBoostClassifier if loss_of(document) in KINDS else catboost.CatBoostRegressor


def _opened(kind: Any, path: Path, form: str) -> Any:
    model = kind()
    try:
        with reading("CatBoost"):
            model.load_model(str(path), format=form)
    except library("catboost").CatBoostError as error:
        reason = _PLACE.sub("", " ".join(str(error).split()))[:200]
        msg = f"CatBoost refuses the file: {reason}"
        raise refused(msg) from error
    return model
