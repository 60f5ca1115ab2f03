"""How a model was shown absent texts: as None or as NaN. scikit-learn's encoders tell the two apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from modelport.compile.columns import is_missing
from modelport.compile.sample import Sample
from modelport.runtimes.batch import Array, Batch


def marker(model: Any) -> float | None:
    """None where an encoder learned None or an imputer looks for it; else NaN, as pandas has it."""
    for part in parts(model):
        learned = [np.asarray(values).tolist() for values in getattr(part, "categories_", ())]
        looked_for = "missing_values" in vars(part) and part.missing_values is None
        if looked_for or any(None in values for values in learned):
            return None
    return np.nan


def parts(model: Any) -> Iterator[Any]:
    """The model and every estimator inside it, trees of ensembles left out."""
    from sklearn.base import BaseEstimator
    from sklearn.calibration import _CalibratedClassifier

    if isinstance(model, list | tuple):
        for each in model:
            yield from parts(each)
    elif isinstance(model, BaseEstimator | _CalibratedClassifier) and not hasattr(model, "tree_"):
        yield model
        yield from parts(
            [value for name, value in vars(model).items() if name.endswith("_") or name in _HOLDERS]
        )


_HOLDERS = {"steps", "transformer_list", "estimator", "_preprocessor", "calibrators"}


def frame(sample: Sample, batch: Batch, absent: float | None) -> Any:
    """The rows as the DataFrame a model was fitted on: categoricals restored, absent texts marked its way."""
    import pandas as pd

    return pd.DataFrame({name: _series(sample, name, batch.array(name), absent) for name in sample.columns})


def _series(sample: Sample, name: str, values: Array, absent: float | None) -> Any:
    import pandas as pd

    if name in sample.categories:
        known = sample.categories[name]
        strange = {value for value in values.tolist() if not is_missing(value)}.difference(known)
        return pd.Series(pd.Categorical(values, categories=[*known, *sorted(strange)]))
    if values.dtype != object:
        return pd.Series(values)
    return pd.Series([absent if value is None else value for value in values], dtype=object)
