"""The trade-off as a table and as a plot of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from modelport.cli.tables import print_table
from modelport.cli.tune.space import Point, Setting, Tried, within

_WIDTH, _HEIGHT = 60, 14
_LEGEND = (
    "req/s over p99:  # the chosen setting  o others  | the target",
    "wxixt: workers, instances in each, threads inside a batch",
)


def table(tries: Sequence[Tried], names: Sequence[Path], chosen: Tried | None, target_ms: float) -> None:
    """One row per setting: the most it answers within the target."""
    rows = [_row(each, names, target_ms, mark="*" if each is chosen else "") for each in tries]
    headings = ("", "bundle", "wxixt", "batch", "callers", "req/s", "p50 ms", "p99 ms")
    print_table(headings, rows, title=f"Most throughput with p99 within {target_ms:g} ms")


def _row(tried: Tried, names: Sequence[Path], target_ms: float, mark: str) -> tuple[str, ...]:
    setting = tried.setting
    point = within(tried, target_ms) or min(tried.points, key=lambda point: point.p99_ms)
    late = "" if point.p99_ms <= target_ms else " late"
    shares = f"{setting.workers}x{setting.instances}x{setting.intra_op}"
    seen = (f"{point.rate:,.0f}", f"{point.p50_ms:.1f}", f"{point.p99_ms:.1f}{late}")
    return (mark, names[setting.bundle].name, shares, str(setting.batch_size), str(point.connections), *seen)


def plot(tries: Sequence[Tried], chosen: Tried | None, target_ms: float) -> str:
    """Throughput upwards, p99 to the right (each column a constant factor); `#` is the chosen setting's."""
    points = [point for each in tries for point in each.points if point.rate > 0 and point.p99_ms > 0]
    if not points:
        return ""
    axes = Axes.around(points, target_ms, _WIDTH, _HEIGHT)
    cells = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for row in cells:
        row[axes.across(target_ms)] = "|"
    for each in sorted(tries, key=lambda one: one is chosen):
        for point in each.points:
            if point.rate > 0 and point.p99_ms > 0:
                height = _HEIGHT - 1 - axes.up(point.rate)
                cells[height][axes.across(point.p99_ms)] = "#" if each is chosen else "o"
    left = [f"{axes.top:>9,.0f} ", *[" " * 10] * (_HEIGHT - 2), f"{0:>9} "]
    lines = [label + "│" + "".join(row).rstrip() for label, row in zip(left, cells, strict=True)]
    scale = f"{axes.low:.2g} ms".ljust(_WIDTH - 8) + f"{axes.high:.2g} ms"
    below = (scale, *_LEGEND)
    return "\n".join([*lines, " " * 10 + "└" + "─" * _WIDTH, *(" " * 11 + line for line in below)])


class Axes:
    """Where a point lies on a plot: p99 on a logarithmic axis, throughput on a plain one from zero."""

    def __init__(self, low: float, high: float, top: float, size: tuple[int, int]) -> None:
        self.low, self.high, self.top = low, high, top
        self._width, self._height = size

    @staticmethod
    def around(points: Sequence[Point], target_ms: float, width: int, height: int) -> Axes:
        """Axes that show all points and the target."""
        times = [target_ms, *(point.p99_ms for point in points)]
        top = max(point.rate for point in points)
        return Axes(min(times) / 1.2, max(times) * 1.2, top, (width, height))

    def across(self, ms: float) -> int:
        """The column of a latency."""
        share = math.log(ms / self.low) / math.log(self.high / self.low)
        return min(self._width - 1, max(0, round(share * (self._width - 1))))

    def up(self, rate: float) -> int:
        """The row of a throughput, from below."""
        return min(self._height - 1, max(0, round(rate / self.top * (self._height - 1))))


def described(setting: Setting, name: Path, point: Point) -> str:
    """What to type to serve like that."""
    options = f"--workers {setting.workers} --threads {setting.threads} --intra-op {setting.intra_op}"
    seen = f"{point.rate:,.0f} answers a second, p99 {point.p99_ms:.1f} ms, {point.connections} callers"
    return f"modelport serve {name} {options}\n        {seen}"
