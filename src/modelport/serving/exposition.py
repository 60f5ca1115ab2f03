"""The Prometheus text format, version 0.0.4: how families and samples are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Family(NamedTuple):
    """A metric: its name, its type, what it counts, and its label names in order."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


class Histogram(NamedTuple):
    """Counts per bucket, not cumulative, the last one unbounded; and the sum of what was observed."""

    labels: str
    counts: Sequence[int]
    total: float


def labels(pairs: Mapping[str, object]) -> str:
    """Label pairs as they stand between the braces."""
    return ",".join(f'{name}="{str(value).translate(_ESCAPES)}"' for name, value in pairs.items())


def family(what: Family, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    """The lines of a counter or gauge; none when there are no samples."""
    lines = [
        f"{what.name}{{{pairs}}} {value}" if pairs else f"{what.name} {value}" for pairs, value in samples
    ]
    if lines:
        yield from _head(what)
        yield from lines


def histogram(what: Family, bounds: Sequence[float], samples: Iterable[Histogram]) -> Iterator[str]:
    """The lines of a histogram; none when there are no samples."""
    lines = [line for sample in samples for line in _buckets(what.name, bounds, sample)]
    if lines:
        yield from _head(what)
        yield from lines


def _head(what: Family) -> Iterator[str]:
    yield f"# HELP {what.name} {what.help.translate(_HELP_ESCAPES)}"
    yield f"# TYPE {what.name} {what.kind}"


def _buckets(name: str, bounds: Sequence[float], sample: Histogram) -> Iterator[str]:
    below = 0
    for bound, count in zip(bounds, sample.counts, strict=False):
        below += count
        yield f'{name}_bucket{{{sample.labels},le="{bound}"}} {below}'
    below += sample.counts[-1]
    yield f'{name}_bucket{{{sample.labels},le="+Inf"}} {below}'
    yield f"{name}_sum{{{sample.labels}}} {sample.total}"
    yield f"{name}_count{{{sample.labels}}} {below}"
