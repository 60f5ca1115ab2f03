"""Whether a prediction was right, where that can be said."""

from __future__ import annotations

from math import isfinite
from typing import Any

LABELLED = frozenset({"classification", "multilabel", "outlier"})
"""Tasks whose predictions are right or wrong."""


def right(task: str, predicted: Any, actual: Any) -> bool | None:
    """Whether what came true is what was predicted; None for tasks where right is a matter of degree.

    A truth often comes as text, from a spreadsheet: `3` is `"3"` and `3.0`, and `True` is `"true"`. Of
    several labels all must agree, in any order.
    """
    if task not in LABELLED:
        return None
    if isinstance(predicted, list) and isinstance(actual, list):
        return sorted(map(_spelled, predicted)) == sorted(map(_spelled, actual))
    return _spelled(predicted) == _spelled(actual)


def _spelled(value: Any) -> str:
    """One spelling for all that mean the same label."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(float(value)) if abs(value) < 2**53 else str(value)
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text.lower() if text.lower() in {"true", "false"} else text
    return _number(number) if isfinite(number) and abs(number) < 2**53 else text


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
