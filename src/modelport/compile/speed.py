"""How long the original and the compiled model take for the same rows, on this machine, now."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from modelport.runtimes.batch import Batch

ROWS = (1, 32, 128)
_LONG = 1.0
"""Seconds after which a call has warmed up while it ran."""

_LONGEST_US = 3e6


class Timing(msgspec.Struct, frozen=True):
    """Median time of one call with `rows` rows, in microseconds."""

    rows: int
    original_us: float
    compiled_us: float

    @property
    def ratio(self) -> float:
        """How many times faster the compiled model is."""
        return self.original_us / self.compiled_us


class Speed(msgspec.Struct, frozen=True):
    """Timings of one thread each, with the machine's processor: evidence, not a promise."""

    machine: str
    timings: tuple[Timing, ...]


def measure(
    original: Callable[[Batch], Any], sample: Batch, compiled: Callable[[Batch], Any], conformed: Batch
) -> Speed:
    """Times both models on 1, 32 and 128 rows of the sample, repeated where it has fewer.

    Batches that would take longer than seconds are left out.

    `sample` is what the original takes, `conformed` the same rows as the compiled model takes them.
    """
    timings: list[Timing] = []
    for rows in ROWS:
        if timings and _expected_us(timings[-1], rows) > _LONGEST_US:
            break
        first, second = _tiled(sample, rows), _tiled(conformed, rows)
        timings.append(Timing(rows, _median(original, first), _median(compiled, second)))
    return Speed(f"{platform.machine()} {platform.system()}", tuple(timings))


def _expected_us(timing: Timing, rows: int) -> float:
    return max(timing.original_us, timing.compiled_us) * rows / timing.rows


def with_original(speed: Speed, original_us: Mapping[int, float]) -> Speed:
    """The same timings with the original's own, taken elsewhere; what was not timed there is left out."""
    timings = tuple(
        msgspec.structs.replace(timing, original_us=original_us[timing.rows])
        for timing in speed.timings
        if timing.rows in original_us
    )
    return Speed(speed.machine, timings)


def _median(call: Callable[[Batch], Any], batch: Batch, seconds: float = 0.05) -> float:
    """The median over a short loop, in microseconds; a short first call warms up and is not counted."""
    start = time.perf_counter()
    call(batch)
    first = time.perf_counter() - start
    if first > _LONG:
        return round(first * 1e6, 1)
    taken: list[float] = []
    stop = time.perf_counter() + seconds
    while not taken or (time.perf_counter() < stop and len(taken) < 1000):
        start = time.perf_counter()
        call(batch)
        taken.append(time.perf_counter() - start)
    return round(statistics.median(taken) * 1e6, 1)


def _tiled(batch: Batch, rows: int) -> Batch:
    places = np.arange(rows) % batch.rows
    return Batch(rows, {name: batch.array(name)[places] for name in batch.tensors})
