"""Steps on columns folded into the weights behind them: selection, scaling, truncated SVD are all linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from modelport.compile.text.heads import Head
from modelport.compile.text.stages import name_of
from modelport.runtimes.text.arrays import Floats


def folded(head: Head, steps: Sequence[Any]) -> Head | None:
    """`head` on the columns before `steps`; None where a step is not linear in them."""
    weights: Floats | None = head.weights
    for step in reversed(steps):
        weights = None if weights is None else _before(step, weights)
    if weights is None or (head.presence and not all(hasattr(step, "get_support") for step in steps)):
        return None
    return replace(head, weights=weights)


def _before(step: Any, weights: Floats) -> Floats | None:
    name = name_of(step)
    if name and hasattr(step, "get_support"):
        return _selected(step, weights)
    if name == "MaxAbsScaler" or (name == "StandardScaler" and not step.with_mean):
        return weights if step.scale_ is None else weights * (1.0 / step.scale_)[:, None]
    if name == "TruncatedSVD":
        return np.ascontiguousarray(step.components_.T @ weights)
    return None


def _selected(step: Any, weights: Floats) -> Floats:
    kept = step.get_support()
    full = np.zeros((len(kept), weights.shape[1]))
    full[kept] = weights
    return full
