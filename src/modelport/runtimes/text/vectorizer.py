"""From texts to sparse rows: counts, tf-idf and hashes, several vectorizers side by side.

`Vectorizer.row` repeats scikit-learn's arithmetic step by step in the same order, so its values are equal to
the last bit. `linear` takes the short way from counts to scores and comes here where the last bit matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelport.runtimes.text import arrays
from modelport.runtimes.text.analyzer import analyzer
from modelport.runtimes.text.arrays import Floats
from modelport.runtimes.text.columns import Columns, Counts, Hashed, by_table
from modelport.runtimes.text.spec import Block, Features, Hashing, Norm, Vocabulary, Weighting

Read = Callable[[str], bytes]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Row:
    """One sparse row: columns strictly increasing, float64 values."""

    columns: Integers
    values: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """A loaded `Weighting`."""

    sublinear: bool
    idf: Floats | None
    norm: Norm | None

    def apply(self, row: Row) -> Row:
        values = np.log(row.values) + 1.0 if self.sublinear else row.values
        if self.idf is not None:
            values = values * self.idf[row.columns]
        return Row(row.columns, normalized(values, self.norm))


@dataclass(frozen=True, slots=True)
class Part:
    """A loaded `Block`; its columns are `start` to `start + size` of the whole row."""

    columns: Columns
    start: int
    size: int
    binary: bool
    weightings: tuple[Weights, ...]
    factor: float

    def row(self, counts: Counts) -> Row:
        columns = np.array(sorted(counts), np.int64)
        if self.binary:
            row = Row(columns, np.ones(len(columns)))
        else:
            row = Row(columns, np.array([counts[column] for column in columns.tolist()], np.float64))
        for weights in self.weightings:
            row = weights.apply(row)
        return Row(row.columns + self.start, row.values if self.factor == 1.0 else row.values * self.factor)


@dataclass(frozen=True, slots=True)
class Vectorizer:
    """All blocks of a model. Thread-safe."""

    parts: tuple[Part, ...]
    weightings: tuple[Weights, ...]
    width: int

    def rows(self, texts: Sequence[str]) -> list[Row]:
        """Exact sparse rows of `texts`, in order."""
        counted = zip(*[part.columns.count(texts) for part in self.parts], strict=True)
        return [self._row(counts) for counts in counted]

    def _row(self, counted: tuple[Counts, ...]) -> Row:
        rows = [part.row(counts) for part, counts in zip(self.parts, counted, strict=True)]
        row = rows[0] if len(rows) == 1 else _beside(rows)
        for weights in self.weightings:
            row = weights.apply(row)
        return row


def dense(rows: Sequence[Row], width: int, dtype: npt.DTypeLike = np.float64) -> npt.NDArray[np.floating]:
    """`rows` as a dense `[n, width]` array."""
    table = np.zeros((len(rows), width), dtype)
    for place, row in enumerate(rows):
        table[place, row.columns] = row.values
    return table


def normalized(values: Floats, norm: Norm | None) -> Floats:
    """`values` divided by their norm; unchanged where it is zero. Summed strictly in order."""
    if norm is None or not len(values):
        return values
    total = np.cumsum(np.abs(values) if norm == "l1" else values * values)[-1]
    if total == 0.0:
        return values
    divided: Floats = values / (total if norm == "l1" else np.sqrt(total))
    return divided


def load(features: Features, read: Read) -> Vectorizer:
    """The vectorizer that `features` describes; `read` gives the files it names. Raises `BundleCorrupt`."""
    parts: list[Part] = []
    width = 0
    for block in features.blocks:
        parts.append(_part(block, width, read))
        width += block.columns.size
    return Vectorizer(tuple(parts), _weightings(features.weightings, width, read), width)


def _part(block: Block, start: int, read: Read) -> Part:
    size = block.columns.size
    weightings = _weightings(block.weightings, size, read)
    return Part(_columns(block, read), start, size, block.binary, weightings, block.factor)


def _columns(block: Block, read: Read) -> Columns:
    match block.columns:
        case Vocabulary(file, size):
            return by_table(block.analyzer, arrays.terms(read(file), size, file))
        case Hashing(size, alternate_sign):
            return Hashed(analyzer(block.analyzer), size, alternate_sign)


def _weightings(specs: tuple[Weighting, ...], width: int, read: Read) -> tuple[Weights, ...]:
    return tuple(Weights(spec.sublinear, _idf(spec, width, read), spec.norm) for spec in specs)


def _idf(spec: Weighting, width: int, read: Read) -> Floats | None:
    return None if spec.idf is None else arrays.load(read(spec.idf), (width,), spec.idf)


def _beside(rows: Sequence[Row]) -> Row:
    return Row(np.concatenate([row.columns for row in rows]), np.concatenate([row.values for row in rows]))
