"""XGBoost's own files, read by us before the library may see them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelport.compile.boosting.checked import reading
from modelport.compile.boosting.ubjson import decode
from modelport.compile.boosting.xgboost_document import boosted_of
from modelport.compile.sandbox.library import library


def load(path: Path) -> Any:
    """The model in a `.ubj` file; as `loaded`."""
    data = path.read_bytes()
    return loaded(decode(data), data)


def loaded(document: Mapping[str, Any], data: bytes) -> Any:
    """The model: a scikit-learn wrapper where one wrote it, else a Booster.

    Raises `SourceRefused` (`source-malformed`) for a document whose trees are not trees.
    """
    boosted_of(document)
    xgboost = library("xgboost", "xgboost-cpu")
    with reading("XGBoost"):
        model = _kind(xgboost, document)()
        model.load_model(bytearray(data))
    return model


def _kind(xgboost: Any, document: Mapping[str, Any]) -> Any:
    noted = str(document["learner"].get("attributes", {}).get("scikit_learn", ""))
    kinds = {
        "classifier": xgboost.XGBClassifier,
        "regressor": xgboost.XGBRegressor,
        "ranker": xgboost.XGBRanker,
    }
    return next((kind for name, kind in kinds.items() if f'"{name}"' in noted), xgboost.Booster)
