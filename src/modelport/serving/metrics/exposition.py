"""The Prometheus text format, version 0.0.4: how families and samples are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LABELS = "\0"
"""Stands for labels in the shape of a histogram: no label holds it."""


class Family(NamedTuple):
    """A metric: its name, its type, what it counts, and its label names in order."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


class Histogram(NamedTuple):
    """How many observations lie below each bound, all of them last; and the sum of what was observed."""

    labels: str
    below: Sequence[int]
    total: float


def escaped(text: str) -> str:
    """A label's value as it stands between its quotes."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def family(what: Family, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    """The lines of a counter or gauge; none when there are no samples."""
    lines = [
        f"{what.name}{{{pairs}}} {value}" if pairs else f"{what.name} {value}" for pairs, value in samples
    ]
    if lines:
        yield from _head(what)
        yield from lines


def histogram(what: Family, bounds: Sequence[float], samples: Iterable[Histogram]) -> Iterator[str]:
    """The text of a histogram; nothing when there are no samples."""
    shape = _shape(what.name, bounds)
    texts = [
        (shape % (*below, total, below[-1])).replace(_LABELS, labels) for labels, below, total in samples
    ]
    if texts:
        yield from _head(what)
        yield from texts


def _head(what: Family) -> Iterator[str]:
    yield f"# HELP {what.name} {what.help}"
    yield f"# TYPE {what.name} {what.kind}"


def _shape(name: str, bounds: Sequence[float]) -> str:
    """All lines of one sample, without its labels and numbers."""
    lines = [f'{name}_bucket{{{_LABELS},le="{bound}"}} %d' for bound in (*bounds, "+Inf")]
    return "\n".join([*lines, f"{name}_sum{{{_LABELS}}} %s", f"{name}_count{{{_LABELS}}} %d"])
