"""Shares of the traffic as written, in whole basis points: splits, steps, and what a shadow repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from modelport.control.documents import units
from modelport.core.plan import BASIS_POINTS

_NEAR = 1e-6


class SharesInvalid(Exception):
    """Shares that no traffic can be split by; `str` of it says why."""


def split(written: Mapping[str, float | str]) -> dict[str, int]:
    """Basis points of the arms, which sum to `BASIS_POINTS`. Raises `SharesInvalid`.

    Numbers that sum to 1 are fractions, numbers that sum to 100 are percentages, texts say it themselves.
    """
    values = {name: units.percent(value) for name, value in written.items()}
    texts = [isinstance(value, str) for value in written.values()]
    if any(texts) and not all(texts):
        msg = "write all shares with a percent sign, or none"
        raise SharesInvalid(msg)
    total = sum(values.values())
    if abs(total - 1) < _NEAR and not any(texts):
        whole = 1.0
    elif abs(total - 100) < _NEAR:
        whole = 100.0
    else:
        msg = f"the shares sum to {total:g}: they must sum to 1, or to 100"
        raise SharesInvalid(msg)
    return {name: points(value / whole) for name, value in values.items()}


def steps(written: Sequence[float | str]) -> tuple[int, ...]:
    """Basis points of a canary's steps: growing, the last all of the traffic. Raises `SharesInvalid`."""
    found = tuple(points(units.percent(each) / 100) for each in written)
    if any(later <= sooner for sooner, later in pairwise(found)):
        msg = "the steps must grow from one to the next"
        raise SharesInvalid(msg)
    if found[-1] != BASIS_POINTS:
        msg = f"the last step is {found[-1] / 100:g} %: a canary ends with 100"
        raise SharesInvalid(msg)
    return found


def points(share: float) -> int:
    """Basis points of a share above 0 and up to 1, or of 0. Raises `SharesInvalid`."""
    found = units.basis_points(share)
    if found is None or (found == 0) != (share == 0) or not 0 <= found <= BASIS_POINTS:
        msg = f"a share of {share * 100:g} %: shares are hundredths of a percent, up to 100 %"
        raise SharesInvalid(msg)
    return found
