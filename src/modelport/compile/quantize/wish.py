"""What precision a caller asks for, and what it may cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modelport.errors import SettingsError

Precision = Literal["fp32", "int8", "fp16"]
Asked = Literal["int8", "fp16", "auto"]

AUTO_LOSS = 0.5
"""Points that `auto` may lose unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One request to quantise.

    Attributes:
        asked: `int8`, `fp16`, or `auto`: the fastest precision on this machine that loses at most `allowed`.
        truth: the right answer to each row of the sample, as the owner writes it (a label, a number); None
            when there is none: then every answer that changes counts as lost.
        allowed: most points of loss, see `loss.judged`; None is no limit, which only a named precision has.
    """

    asked: Asked
    truth: Any = None
    allowed: float | None = None


def wish(asked: str | None, truth: Any = None, allowed: float | None = None) -> Wish | None:
    """The request, checked; None when nothing is asked for. Raises `SettingsError`."""
    if asked is None:
        if truth is None and allowed is None:
            return None
        msg = "labels and an allowed loss were given, but no precision"
        raise SettingsError(msg, hint=f"name one: {', '.join(get_args(Asked))}")
    if asked not in get_args(Asked):
        msg = f"{asked!r} is not a precision to quantise to"
        raise SettingsError(msg, hint=f"use one of {', '.join(get_args(Asked))}")
    if allowed is not None and not (math.isfinite(allowed) and 0 < allowed <= 100):
        msg = f"{allowed} points of loss cannot be allowed"
        raise SettingsError(msg, hint="give a number of points above 0, as 0.5, up to 100")
    limit = AUTO_LOSS if asked == "auto" and allowed is None else allowed
    return Wish(asked, truth, limit)  # type: ignore[arg-type]
