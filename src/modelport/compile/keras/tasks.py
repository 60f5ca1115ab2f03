"""What a model's loss says of its outputs."""

from __future__ import annotations

from typing import Any

from modelport.core.signature import Task

_CLASSES = ("crossentropy", "hinge", "kl_divergence")
_NUMBERS = ("mean_squared", "mean_absolute", "mse", "mae", "msle", "mape", "huber", "log_cosh", "poisson")


def task_of(loss: Any) -> Task | None:
    """The task of a model compiled with `loss`; None without one, or with one that does not say."""
    name = str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss).lower()
    if any(word in name for word in _CLASSES):
        return "classification"
    return "regression" if any(word in name for word in _NUMBERS) else None
