"""Reference statistics of the rows a model was packed with: what live traffic is compared with later."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from modelport.compile.sample import VECTOR, Sample
from modelport.runtimes.batch import Array

_QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_CATEGORIES = 50


def profile(sample: Sample) -> dict[str, Any]:
    """Statistics per column, as plain data.

    Numbers: count, missing, min, max, mean, std, quantiles (by probability). Texts of a table: count,
    missing, distinct, counts of the 50 most frequent values. Free text: the statistics of its lengths in
    characters; pictures: in bytes.
    """
    return {
        "rows": len(sample),
        "columns": {name: _column(sample, values) for name, values in _named(sample)},
    }


def _named(sample: Sample) -> list[tuple[str, Array]]:
    if sample.item == "vector":
        values = sample.batch.array(VECTOR)
        names = sample.columns or tuple(f"{VECTOR}[{place}]" for place in range(values.shape[1]))
        return list(zip(names, values.T, strict=True))
    return [(name, sample.batch.array(name)) for name in sample.batch.tensors]


def _column(sample: Sample, values: Array) -> dict[str, Any]:
    if sample.item in {"text", "image"}:
        lengths = np.array([len(each) for each in values])
        return {"kind": sample.item, **_numbers(lengths)}
    if values.dtype.kind != "O":
        return {"kind": "number", **_numbers(values.ravel())}
    return {"kind": "category", **_categories(values)}


def _numbers(values: Array) -> dict[str, Any]:
    numbers = values.astype(np.float64)
    present = numbers[np.isfinite(numbers)]
    counts = {"count": int(numbers.size), "missing": int(np.isnan(numbers).sum())}
    if not present.size:
        return counts
    return {
        **counts,
        "min": float(present.min()),
        "max": float(present.max()),
        "mean": float(present.mean()),
        "std": float(present.std()),
        "quantiles": {str(at): float(np.quantile(present, at)) for at in _QUANTILES},
    }


def _categories(values: Array) -> dict[str, Any]:
    counted = Counter(str(value) for value in values if value is not None)
    return {
        "count": len(values),
        "missing": len(values) - counted.total(),
        "distinct": len(counted),
        "counts": dict(counted.most_common(_CATEGORIES)),
    }
