"""The search: few settings roughly, the best of them again and in turn, all within a budget of seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from modelport.cli.tune import space
from modelport.cli.tune.space import Point, Setting, Tried

Measure = Callable[[Setting, Sequence[int] | None, float], Tried]
"""Serves with a setting and loads it with these numbers of callers (None: up the ladder), each for a time."""

Progress = Callable[[str, float], None]
"""Told what is done now, and which share of the budget is used."""

_FINALISTS = 3
_ROUNDS = 2
_SHARE_OF_ROUGH = 0.6


@dataclass(frozen=True, slots=True)
class Goal:
    """What is looked for: latency in milliseconds, answers per second or None, seconds to spend."""

    target_ms: float
    rate: float | None
    budget: float


class Search:
    """Owns the clock and the list of what was tried."""

    def __init__(self, goal: Goal, measure: Measure, clock: Callable[[], float], progress: Progress) -> None:
        self._goal = goal
        self._measure = measure
        self._clock = clock
        self._progress = progress
        self._start = clock()
        self.tried: list[Tried] = []

    def run(self, bundles: int, cores: int) -> Tried | None:
        """The best setting, confirmed; None when none meets the target.

        The default of the first bundle is always measured; then that of the others; then ways to share out
        the cores, and sizes of batches, each for the best found before.
        """
        seconds = self._slice(bundles + len(space.shares(0, cores)) + len(space.BATCHES) - 1)
        self._rough([Setting(bundle) for bundle in range(bundles)], seconds)
        self._rough(space.shares(self._leader().bundle, cores), seconds)
        self._rough(space.batches(self._leader()), seconds)
        self._confirm(seconds)
        return space.best(self.tried, self._goal.target_ms, self._goal.rate)

    def _leader(self) -> Setting:
        return space.leader(self.tried, self._goal.target_ms)

    def _slice(self, settings: int) -> float:
        """Seconds per point: the budget shared by some five points of every setting."""
        return max(0.2, min(2.0, _SHARE_OF_ROUGH * self._goal.budget / (settings * 5)))

    def _rough(self, settings: Sequence[Setting], seconds: float) -> None:
        for setting in settings:
            if self.tried and self._used() > _SHARE_OF_ROUGH:
                return
            self._progress(f"trying {told(setting)}", self._used())
            self.tried.append(self._measure(setting, None, seconds))

    def _confirm(self, seconds: float) -> None:
        """The best few once more, in turn: a lucky second is no throughput."""
        finalists = space.ranked(self.tried, self._goal.target_ms)[:_FINALISTS]
        again: dict[Setting, list[Tried]] = {each.setting: [each] for each in finalists}
        for _ in range(_ROUNDS):
            for each in finalists:
                if self._used() > 1:
                    break
                self._progress(f"again {told(each.setting)}", self._used())
                counts = _around(each, self._goal.target_ms)
                again[each.setting].append(self._measure(each.setting, counts, seconds))
        self.tried = [_merged(again.get(each.setting, [each])) for each in self.tried]

    def _used(self) -> float:
        return (self._clock() - self._start) / self._goal.budget


def told(setting: Setting) -> str:
    """A setting in words."""
    parts = {
        "workers": setting.workers,
        "instances": setting.instances,
        "intra-op": setting.intra_op,
        "batch": setting.batch_size,
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items())


def _around(tried: Tried, target_ms: float) -> tuple[int, ...]:
    """The number of callers that was best, and the one below it."""
    point = space.within(tried, target_ms)
    count = 1 if point is None else point.connections
    return (count,) if count == 1 else (count // 2, count)


def _merged(parts: Sequence[Tried]) -> Tried:
    points: dict[int, list[Point]] = {}
    for part in parts:
        for point in part.points:
            points.setdefault(point.connections, []).append(point)
    return replace(parts[0], points=tuple(space.joined(points[count]) for count in sorted(points)))
