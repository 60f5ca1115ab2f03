"""Numbers as people read them."""

from __future__ import annotations

from benchmarks.load import Spread


def figure(value: float) -> str:
    """Three significant digits, or whole thousands with a comma: 0.0124, 1.8, 46.5, 684, 81,500."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread_figure(seen: Spread) -> str:
    """The median with the smallest and largest value: `1.8 (1.7 to 2.1)`."""
    return f"{figure(seen.median)} ({figure(seen.low)} to {figure(seen.high)})"
