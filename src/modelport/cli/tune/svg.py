"""The trade-off as a picture: SVG, written by hand, legible on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from modelport.cli.tune.search import told
from modelport.cli.tune.show import Axes
from modelport.cli.tune.space import Point, Tried

_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 420, 70, 40
_RIGHT, _BOTTOM = _WIDTH - 20, _HEIGHT - 50


def draw(tries: Sequence[Tried], chosen: Tried | None, target_ms: float, title: str) -> str:
    """Throughput over p99 on a logarithmic axis, one line per setting; the chosen one stands out."""
    points = [point for each in tries for point in each.points]
    axes = Axes.around(points, target_ms, _RIGHT - _LEFT, _BOTTOM - _TOP)
    order = sorted(tries, key=lambda one: one is chosen)
    shapes = [*_frame(axes, target_ms, title), *(_line(each, axes, strong=each is chosen) for each in order)]
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12" fill="#666"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {box}>', *shapes, "</svg>\n"])


def _frame(axes: Axes, target_ms: float, title: str) -> list[str]:
    """Axes with their ends, the target, and what is shown."""
    x = _LEFT + axes.across(target_ms)
    return [
        f'<path d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}" fill="none" stroke="#888"/>',
        f'<path d="M{x} {_TOP}V{_BOTTOM}" stroke="#c33" stroke-dasharray="4 4"/>',
        _text(x + 4, _TOP + 12, f"target {target_ms:g} ms"),
        _text(_LEFT, 22, title),
        _text(_LEFT - 6, _TOP + 4, f"{axes.top:,.0f}", end=True),
        _text(_LEFT - 6, _BOTTOM, "0", end=True),
        _text(_LEFT, _BOTTOM + 16, f"{axes.low:.2g} ms"),
        _text(_RIGHT, _BOTTOM + 16, f"{axes.high:.2g} ms", end=True),
        _text(_LEFT, _HEIGHT - 10, "answers per second over the 99th percentile of latency"),
    ]


def _text(x: int, y: int, words: str, *, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x}" y="{y}"{anchor}>{escape(words)}</text>'


def _line(tried: Tried, axes: Axes, *, strong: bool) -> str:
    colour, width = ("#06c", 2.5) if strong else ("#999", 1)
    places = [_place(point, axes) for point in tried.points]
    path = " ".join(f"{x},{y}" for x, y in places)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="{width + 1}" fill="{colour}"/>' for x, y in places)
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
    return f"<g><title>{escape(told(tried.setting))}</title>{line}{dots}</g>"


def _place(point: Point, axes: Axes) -> tuple[int, int]:
    return _LEFT + axes.across(max(point.p99_ms, axes.low)), _BOTTOM - axes.up(point.rate)
