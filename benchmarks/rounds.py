"""Rounds of interleaved measurements: every subject once, then every subject again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from benchmarks.aims import Series
from benchmarks.figures import figure
from benchmarks.scenario import Timing

Measurement = Callable[[str, Timing], Mapping[str, float]]
"""Measures one subject once: metric to value."""


def interleaved(subjects: tuple[str, ...], timing: Timing, measure: Measurement) -> Series:
    """One value per metric, subject and round. Subjects take turns, so slow minutes hurt all alike."""
    series: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in subjects}
    for turn in range(timing.rounds):
        for name in subjects:
            seen = measure(name, timing)
            print(f"  round {turn + 1}, {name}: {_line(seen)}", flush=True)
            for metric, value in seen.items():
                series[name][metric].append(value)
    return {name: dict(metrics) for name, metrics in series.items()}


def _line(seen: Mapping[str, float]) -> str:
    return ", ".join(f"{metric} {figure(value)}" for metric, value in seen.items())
