"""Several predictors on the same rows, in turn: A B C A B C …, so that a slow minute slows them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from modelport.compile.quantize.wish import Precision
from modelport.core.signature import Item
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch

_LEAST = 5
_MOST = 300


class Timed(msgspec.Struct, frozen=True):
    """One kind of call: the median time of fp32 and of the other precision, in microseconds.

    `ratio` is the median over rounds of how many times faster it is: both times of a round are neighbours.
    """

    case: str
    fp32_us: float
    us: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Case:
    """Rows to call with, and what to name them."""

    name: str
    batch: Batch


def cases(rows: Batch, item: Item) -> tuple[Case, ...]:
    """Calls like those a server makes: texts short and long, 1 and 8; other rows 1, 8 and 32 at a time."""
    if item != "text":
        return tuple(Case(_rows(count), _tiled(rows, np.arange(count))) for count in (1, 8, 32))
    (texts,) = (rows.array(name) for name in rows.tensors)
    order = np.argsort([len(text) for text in texts], kind="stable")
    short, middle, long = (order[int(share * (len(order) - 1))] for share in (0.1, 0.5, 0.9))
    lengths = {name: len(texts[place]) for name, place in (("s", short), ("m", middle), ("l", long))}
    eight = np.resize(order[max(0, len(order) // 2 - 4) : len(order) // 2 + 4], 8)
    return (
        Case(f"1 text of {lengths['s']} characters", _tiled(rows, np.array([short]))),
        Case(f"1 text of {lengths['l']} characters", _tiled(rows, np.array([long]))),
        Case(f"8 texts of about {lengths['m']} characters", _tiled(rows, eight)),
    )


def race(
    fp32: Predictor, others: Mapping[Precision, Predictor], case: Case, seconds: float = 1.5
) -> Mapping[Precision, Timed]:
    """Times everyone on the rows of a case, in turn, for about `seconds` and at least five rounds."""
    runners: dict[Precision, Predictor] = {"fp32": fp32, **others}
    for each in runners.values():
        each.predict(case.batch)
    rounds: dict[Precision, list[float]] = {name: [] for name in runners}
    stop = time.perf_counter() + seconds
    for turn in range(_MOST):
        if turn >= _LEAST and time.perf_counter() > stop:
            break
        for name, each in runners.items():
            started = time.perf_counter()
            each.predict(case.batch)
            rounds[name].append(time.perf_counter() - started)
    return {name: _timed(case.name, rounds["fp32"], rounds[name]) for name in others}


def _timed(case: str, fp32: list[float], other: list[float]) -> Timed:
    ratio = statistics.median(a / b for a, b in zip(fp32, other, strict=True))
    return Timed(case, _us(fp32), _us(other), round(ratio, 3))


def _us(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1e6, 1)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _tiled(rows: Batch, places: Array) -> Batch:
    taken = places % rows.rows
    return Batch(len(taken), {name: rows.array(name)[taken] for name in rows.tensors})
