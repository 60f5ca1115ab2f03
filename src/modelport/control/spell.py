"""How numbers of a decision are said to people."""

from __future__ import annotations

_UNITS = ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"))


def lasting(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3 hours`, `2 days`: in the largest unit of which there are two."""
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{round(seconds / unit):,} {name}s"
    return count(max(0, round(seconds)), "second")


def count(number: int, noun: str) -> str:
    """`1 request`, `1,204 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(basis_points: int) -> str:
    """`5 %`, `0.5 %`."""
    return f"{basis_points / 100:g} %"


def more(missing: int, noun: str, rate: float) -> str:
    """`312 more requests (about 3 minutes at 1.7 a second)`; without a rate, how many alone."""
    said = f"{missing:,} more {noun}{'' if missing == 1 else 's'}"
    if rate <= 0:
        return f"{said} (none are coming at present)"
    return f"{said} (about {lasting(missing / rate)} at {rate:.3g} a second)"
