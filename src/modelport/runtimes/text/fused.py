"""One vectorizer block and its rows of the weights as a single pass from counts to scores.

The idf is folded into the product and the norm is divided out at the end. With one output and few terms a
loop over Python floats wins; otherwise the batch is gathered with numpy at once.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from modelport.runtimes.text.arrays import Floats
from modelport.runtimes.text.columns import Columns, Counts
from modelport.runtimes.text.spec import Norm
from modelport.runtimes.text.vectorizer import Part, Weights

LOOP_UP_TO = 200
"""Terms in a batch up to which the loop beats gathering (measured; one output)."""

Gains = Mapping[int, float]
Table = Sequence[float]
"""Packed numbers: a list of floats would scatter them over memory, and reading them is most of the work."""

_LOG_GAINS = [0.0, *(1.0 + math.log(count) for count in range(1, 256))]


@dataclass(frozen=True, slots=True)
class Fused:
    """Scores of one block.

    Attributes:
        products: weight times idf per column, for the loop; None where the loop is not used.
        squares: idf squared per column, for the loop's norm; None where there is no idf.
    """

    columns: Columns
    weights: Floats
    idf: Floats | None
    norm: Norm | None
    binary: bool
    sublinear: bool
    factor: float
    products: Table | None
    squares: Table | None

    def scores(self, texts: Sequence[str]) -> Floats:
        """Scores `[n, outputs]` of this block, without the intercept."""
        rows = [self._gains(counts) for counts in self.columns.count(texts)]
        if self.products is not None and sum(map(len, rows)) <= LOOP_UP_TO:
            return np.array([[self._looped(row, self.products)] for row in rows]).reshape(-1, 1)
        return self._gathered(rows)

    def _gains(self, counts: Counts) -> Gains:
        if self.binary:
            return dict.fromkeys(counts, 1.0)
        if self.sublinear:
            return {column: _log_gain(count) for column, count in counts.items()}
        return counts

    def _looped(self, row: Gains, products: Table) -> float:
        if self.norm is None:
            dot = 0.0
            for column, gain in row.items():
                dot += gain * products[column]
            return dot * self.factor
        dot, square = _dot(row, products) if self.squares is None else _weighted(row, products, self.squares)
        return dot / math.sqrt(square) * self.factor if square else 0.0

    def _gathered(self, rows: Sequence[Gains]) -> Floats:
        counts = np.fromiter(map(len, rows), np.int64, len(rows))
        total = int(counts.sum())
        columns = np.fromiter(chain.from_iterable(rows), np.int64, total)
        values = np.fromiter(chain.from_iterable([row.values() for row in rows]), np.float64, total)
        if self.idf is not None:
            values *= self.idf.take(columns)
        sums = _sums(self.weights.take(columns, axis=0) * values[:, None], counts)
        return sums * (self.factor / self._norms(values, counts))[:, None]

    def _norms(self, values: Floats, counts: npt.NDArray[np.int64]) -> Floats:
        if self.norm is None:
            return np.ones(len(counts))
        sizes = _sums(np.abs(values) if self.norm == "l1" else values * values, counts)
        norms = sizes if self.norm == "l1" else np.sqrt(sizes)
        norms[norms == 0.0] = 1.0
        return norms


def fuse(part: Part, weights: Floats) -> Fused:
    """The short way through `part`, which is weighted at most once; `weights` are those of the whole row."""
    own = weights[part.start : part.start + part.size]
    step = part.weightings[0] if part.weightings else Weights(sublinear=False, idf=None, norm=None)
    looped = own.shape[1] == 1 and step.norm != "l1"
    products = own[:, 0] if step.idf is None else own[:, 0] * step.idf
    return Fused(
        columns=part.columns,
        weights=own,
        idf=step.idf,
        norm=step.norm,
        binary=part.binary,
        sublinear=step.sublinear,
        factor=part.factor,
        products=_table(products) if looped else None,
        squares=_table(step.idf**2) if looped and step.idf is not None else None,
    )


def _dot(row: Gains, products: Table) -> tuple[float, float]:
    dot = square = 0.0
    for column, gain in row.items():
        dot += gain * products[column]
        square += gain * gain
    return dot, square


def _weighted(row: Gains, products: Table, squares: Table) -> tuple[float, float]:
    dot = square = 0.0
    for column, gain in row.items():
        dot += gain * products[column]
        square += gain * gain * squares[column]
    return dot, square


def _sums(values: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Sums of consecutive runs of `values` along the first axis; `counts` are their lengths."""
    if len(counts) == 1:
        return values.sum(axis=0)[None]  # type: ignore[no-any-return]
    sums = np.zeros((len(counts), *values.shape[1:]))
    filled = counts > 0
    if filled.any():
        starts = (np.cumsum(counts) - counts)[filled]
        sums[filled] = np.add.reduceat(values, starts, axis=0)
    return sums


def _log_gain(count: int) -> float:
    return _LOG_GAINS[count] if count < len(_LOG_GAINS) else 1.0 + math.log(count)


def _table(values: Floats) -> Table:
    return array("d", values.tobytes())
