"""The texts of quantities, and what they come to: fractions, basis points, seconds.

The patterns are part of the published schema; what matches one can be read. A bare number is read only where
its unit is beyond doubt: as a fraction below 1 where both fractions and percents are written.
"""

from __future__ import annotations

import re

from modelport.core.plan import BASIS_POINTS

_DIGITS = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
MOST = rf"^ *(?:<=|<|≤)? *{_DIGITS} *%? *$"
LEAST = rf"^ *(?:>=|>|≥)? *{_DIGITS} *%? *$"
PERCENT = rf"^ *{_DIGITS} *% *$"
LATENCY = rf"^ *(?:<=|<|≤)? *{_DIGITS} *(?:ms|s) *$"
DURATION = rf"^ *{_DIGITS} *(?:ms|s|min|m|h|d) *$"

_QUANTITY = re.compile(rf"({_DIGITS}) *(%|[a-z]*)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_EXACT = 1e-6


def fraction(written: float | str) -> float:
    """0.01 of `"< 1%"`, `"0.01"` and 0.01."""
    if not isinstance(written, str):
        return float(written)
    amount, unit = _quantity(written)
    return amount / 100 if unit == "%" else amount


def percent(written: float | str) -> float:
    """10.0 of 10 and `"10%"`."""
    return _quantity(written)[0] if isinstance(written, str) else float(written)


def seconds(written: str) -> float:
    """0.2 of `"200ms"`, 600.0 of `"10 min"`."""
    amount, unit = _quantity(written)
    return amount * _SECONDS[unit]


def basis_points(share: float) -> int | None:
    """2,000 of 0.2; None for a share that is no whole number of basis points."""
    points = share * BASIS_POINTS
    return round(points) if abs(points - round(points)) < _EXACT else None


def _quantity(written: str) -> tuple[float, str]:
    found = _QUANTITY.search(written)
    assert found is not None  # whatever matches a pattern above holds a quantity
    return float(found[1]), found[2]
