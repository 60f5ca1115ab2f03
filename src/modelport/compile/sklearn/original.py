"""The real model behind the fixed outputs, for parity and for the speed comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelport.compile.compiled import Outputs
from modelport.compile.sample import VECTOR, Sample
from modelport.compile.sklearn.absent import frame, marker
from modelport.compile.sklearn.models import feature_names, unwrapped
from modelport.compile.sklearn.tasks import Meaning, indices
from modelport.runtimes.batch import Array, Batch


def rows_for(model: Any, sample: Sample) -> Callable[[Batch], Any]:
    """From a batch to what the model was fitted on: a DataFrame where it knows names, or an array."""
    names = feature_names(model)
    if sample.item == "vector":
        return _matrix if names is None else lambda batch: _named_matrix(batch, list(names))
    if sample.positional or names is None:
        return lambda batch: _stacked([batch.array(name) for name in sample.columns])
    absent = marker(model)
    return lambda batch: frame(sample, batch, absent)


def _matrix(batch: Batch) -> Array:
    return batch.array(VECTOR)


def _stacked(columns: list[Array]) -> Array:
    texts = any(column.dtype == object for column in columns)
    return np.column_stack([column.astype(object) for column in columns] if texts else columns)


def _named_matrix(batch: Batch, names: list[str]) -> Any:
    import pandas as pd

    return pd.DataFrame(batch.array(VECTOR), columns=names)


def answer(model: Any, rows: Any, meaning: Meaning) -> Outputs:
    """The model's answers to `rows` as the fixed output tensors of the task."""
    return _ANSWERS[meaning.task](unwrapped(model), rows, meaning)


def _classification(model: Any, rows: Any, meaning: Meaning) -> Outputs:
    outputs: dict[str, Array] = {"label": indices(model.predict(rows), meaning.classes)}
    if meaning.probabilistic:
        outputs["probabilities"] = np.asarray(model.predict_proba(rows))
    elif meaning.scored:
        outputs["scores"] = np.asarray(model.decision_function(rows))
    return outputs


def _multilabel(model: Any, rows: Any, meaning: Meaning) -> Outputs:
    outputs: dict[str, Array] = {"labels": indices(model.predict(rows), meaning.classes)}
    if meaning.probabilistic and len(meaning.classes) == 2:
        found = model.predict_proba(rows)
        outputs["probabilities"] = (
            np.column_stack([each[:, 1] for each in found]) if isinstance(found, list) else np.asarray(found)
        )
    return outputs


def _regression(model: Any, rows: Any, meaning: Meaning) -> Outputs:  # noqa: ARG001
    value = np.asarray(model.predict(rows), np.float64)
    return {"value": value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value}


def _clustering(model: Any, rows: Any, meaning: Meaning) -> Outputs:  # noqa: ARG001
    return {"cluster": np.asarray(model.predict(rows), np.int64)}


def _outlier(model: Any, rows: Any, meaning: Meaning) -> Outputs:
    outputs: dict[str, Array] = {"label": (np.asarray(model.predict(rows), np.int64) + 1) // 2}
    if meaning.scored:
        outputs["scores"] = np.asarray(model.decision_function(rows)).reshape(-1)
    return outputs


def _transform(model: Any, rows: Any, meaning: Meaning) -> Outputs:  # noqa: ARG001
    values = model.transform(rows)
    dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return {"values": dense.astype(np.float64)}


_ANSWERS: dict[str, Callable[[Any, Any, Meaning], Outputs]] = {
    "classification": _classification,
    "multilabel": _multilabel,
    "regression": _regression,
    "clustering": _clustering,
    "outlier": _outlier,
    "transform": _transform,
}
