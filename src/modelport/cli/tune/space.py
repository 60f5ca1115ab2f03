"""The settings that are worth trying, and which of those measured is best. Pure: nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

BATCHES = (256, 1, 8, 32)
"""Most rows in a batch: the default, none, few, some."""

GROWTH = 1.03
"""Twice the callers have to bring so much more, or more callers only wait."""

MOST = 64
"""Callers at a time, at most."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to serve a bundle: `bundle` is its place among those compared."""

    bundle: int
    workers: int = 1
    instances: int = 1
    intra_op: int = 1
    batch_size: int = BATCHES[0]

    @property
    def cores(self) -> int:
        """Cores it can keep busy."""
        return self.workers * self.instances * self.intra_op

    @property
    def threads(self) -> int:
        """Threads that run batches: one per instance, and never less than the default."""
        return max(2, self.instances)


@dataclass(frozen=True, slots=True)
class Point:
    """What so many callers at a time saw: answers per second, latencies in milliseconds, failed calls."""

    connections: int
    answered: int
    rate: float
    p50_ms: float
    p99_ms: float
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """A setting with what was seen of it, one point per number of callers."""

    setting: Setting
    points: tuple[Point, ...]


def shares(bundle: int, cores: int) -> tuple[Setting, ...]:
    """Every way to share out the cores in powers of two for one bundle; the default is not among them."""
    sizes = [1 << power for power in range(cores.bit_length()) if 1 << power <= cores]
    found = [
        (workers, instances, intra_op)
        for workers in reversed(sizes)
        for instances in sizes
        for intra_op in sizes
        if workers * instances * intra_op == sizes[-1]
    ]
    if cores != sizes[-1]:
        found.insert(0, (cores, 1, 1))
    return tuple(Setting(bundle, *share) for share in found if share != (1, 1, 1))


def batches(setting: Setting) -> tuple[Setting, ...]:
    """The same with other sizes of batches."""
    return tuple(replace(setting, batch_size=size) for size in BATCHES if size != setting.batch_size)


def ladder() -> Iterator[int]:
    """Numbers of callers, from one, each twice the last."""
    count = 1
    while count <= MOST:
        yield count
        count *= 2


def goes_on(points: Sequence[Point], target_ms: float) -> bool:
    """Whether more callers are worth measuring: within the target still, and throughput still grows.

    It has stopped when two points in a row brought nothing over the best before them: one may be an accident.
    """
    last = points[-1]
    if last.failed or last.p99_ms > target_ms:
        return False
    return len(points) < 3 or max(each.rate for each in points[-2:]) > GROWTH * max(
        each.rate for each in points[:-2]
    )


def within(tried: Tried, target_ms: float) -> Point | None:
    """The point of most throughput with p99 in the target and no failed call; None when there is none."""
    good = [point for point in tried.points if not point.failed and point.p99_ms <= target_ms]
    return max(good, key=lambda point: point.rate, default=None)


def ranked(tries: Sequence[Tried], target_ms: float) -> list[Tried]:
    """Those that meet the target, most throughput first; ties to the one that keeps fewer cores busy."""
    good = [(point.rate, each) for each in tries if (point := within(each, target_ms)) is not None]
    return [each for _, each in sorted(good, key=lambda pair: (-pair[0], pair[1].setting.cores))]


def leader(tries: Sequence[Tried], target_ms: float) -> Setting:
    """The setting to go on from: the best so far, or the nearest to a target that none meets."""
    order = ranked(tries, target_ms)
    if order:
        return order[0].setting
    return min(tries, key=lambda each: min(point.p99_ms for point in each.points)).setting


def best(tries: Sequence[Tried], target_ms: float, rate: float | None) -> Tried | None:
    """The one to serve with: of most throughput, or of fewest cores among those that reach `rate`."""
    order = ranked(tries, target_ms)
    if rate is not None:
        enough = [each for each in order if (point := within(each, target_ms)) and point.rate >= rate]
        order = sorted(enough, key=lambda each: each.setting.cores) or order
    return order[0] if order else None


def joined(parts: Sequence[Point]) -> Point:
    """Repeated measurements of one point as one: medians, and every call counted."""
    return Point(
        parts[0].connections,
        sum(part.answered for part in parts),
        median(part.rate for part in parts),
        median(part.p50_ms for part in parts),
        median(part.p99_ms for part in parts),
        sum(part.failed for part in parts),
    )
