"""Rows that samples rarely hold and compiled models get wrong: extremes, gaps, ties with thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelport.compile.columns import objects
from modelport.compile.sample import TEXT, VECTOR, Sample
from modelport.core.signature import Field
from modelport.runtimes.batch import Array, Batch

_BUDGET = 1500
"""About how many edge rows there are; every column gets its share, at least four."""

_COLUMNS = 256
"""Most columns that get edge rows of their own, evenly spread."""

_SHUFFLED = 64

TEXTS = (
    "",
    " ",
    "\n\t ",
    ".",
    "?!...,;:",
    "a",
    "I",
    "42",
    "3.14 1,000 1e9",
    "don't can't o'clock",
    "state-of-the-art under_score",
    "UPPER lower MiXeD",
    "naïve café Ünïcödé",
    "Straße İstanbul \u017f \u0149",
    "日本語 テキスト",
    "привет мир",
    "שלום עולם",
    "😀 👩‍👩‍👧‍👦 🏳️‍🌈",
    "e\u0301 \u00e9",
    "zero\u200bwidth\ufeff",
    "null\x00byte",
    "line\u2028separator\x85next",
    "<b>bold</b> &amp; <script>alert(1)</script>",
    "http://example.com/path?q=1#x user@example.com",
    "word " * 400,
    "the the the the the the the the",
    "x" * 5000,
    "ab" * 300,
)


@dataclass(frozen=True, slots=True)
class _Column:
    values: Array
    missing: bool
    closed: bool
    known: tuple[Any, ...]


def edges(sample: Sample, inputs: Sequence[Field], seed: int = 0) -> Batch:
    """Edge rows in the sample's own form, built from the sample and what the signature's `inputs` allow.

    Missing and unknown values appear only where a field accepts them. The same arguments give the same rows.
    A sample of `tensors` has no columns we could reason about: it gives its own rows, reversed.
    """
    rng = np.random.default_rng(seed)
    if sample.item == "text":
        return _texts(sample, rng)
    if sample.item == "image":
        from modelport.compile import image_edges

        return image_edges.edges(seed)
    if sample.item == "tensors":
        return Batch(len(sample), {name: sample.batch.array(name)[::-1] for name in sample.batch.tensors})
    return _batch(sample, _rows(_columns(sample, inputs), rng))


def _texts(sample: Sample, rng: np.random.Generator) -> Batch:
    seen = [str(text) for text in sample.batch.array(TEXT)]
    words = [word for text in seen[:50] for word in text.split()][:500] or ["word"]
    mixed = [" ".join(rng.choice(words, size=size)) for size in (1, 2, 3, 5, 8, 13, 40, 200)]
    first = seen[0]
    texts = [
        *TEXTS,
        *mixed,
        first.upper(),
        first.lower(),
        first[::-1],
        f"{first} {first}",
        first[: len(first) // 2],
    ]
    return Batch(len(texts), {TEXT: objects(texts)})


def _columns(sample: Sample, inputs: Sequence[Field]) -> list[_Column]:
    if sample.item == "vector":
        return [_Column(values, inputs[0].missing, False, ()) for values in sample.batch.array(VECTOR).T]
    fields = {field.name: field for field in inputs}
    return [_column(sample, name, fields[name]) for name in sample.columns]


def _column(sample: Sample, name: str, field: Field) -> _Column:
    known = sample.categories.get(name) or field.categories
    # A categorical has no place for a value outside its categories: pandas calls it missing.
    closed = field.closed or name in sample.categories
    return _Column(sample.batch.array(name), field.missing, closed, known)


def _rows(columns: Sequence[_Column], rng: np.random.Generator) -> list[list[Any]]:
    bases = [[column.values[place] for column in columns] for place in _spread(len(columns[0].values), 3)]
    share = max(4, _BUDGET // len(columns))
    rows: list[list[Any]] = []
    for place in _spread(len(columns), _COLUMNS):
        for turn, value in enumerate(_edge_values(columns[place])[:share]):
            row = list(bases[turn % len(bases)])
            row[place] = value
            rows.append(row)
    return [*rows, *_whole_rows(columns), *_shuffled(columns, rng)]


def _whole_rows(columns: Sequence[_Column]) -> list[list[Any]]:
    """Every column at its first, second, … edge value at once: all smallest, all largest, all absent, …"""
    per_column = [_edge_values(column) for column in columns]
    return [
        [values[turn % len(values)] for values in per_column] for turn in range(max(map(len, per_column)))
    ]


def _shuffled(columns: Sequence[_Column], rng: np.random.Generator) -> list[list[Any]]:
    """Rows whose every cell was seen, in combinations that were not."""
    picks = [column.values[rng.integers(len(column.values), size=_SHUFFLED)] for column in columns]
    return [list(row) for row in zip(*picks, strict=True)]


def _edge_values(column: _Column) -> list[Any]:
    if column.values.dtype.kind == "O":
        values = _edge_texts(column)
    elif column.values.dtype.kind == "b":
        values = [False, True]
    elif column.closed:
        values = list(column.known)
    else:
        values = _edge_numbers(column.values)
    gap = None if column.values.dtype.kind == "O" else np.nan
    return [*([gap] if column.missing else []), *values]


def _edge_texts(column: _Column) -> list[Any]:
    seen = list(dict.fromkeys([*column.known, *(value for value in column.values if value is not None)]))[:20]
    return seen if column.closed else ["never seen before", "", *seen]


def _edge_numbers(values: Array) -> list[Any]:
    present = np.unique(values[np.isfinite(values)])
    if not present.size:
        return [0.0]
    low, high = float(present[0]), float(present[-1])
    far = 1e4 * max(abs(low), abs(high), 1.0)
    plain = [low, high, 0.0, *_around(present), far, -far]
    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        return [int(value) for value in plain if limits.min < value < limits.max]
    return [value for value in plain if np.isfinite(value)]


def _around(present: Array) -> list[float]:
    """Where trees cut: halfway between neighbours, and the floats on either side, double and single."""
    pairs = [present[place : place + 2].astype(np.float64) / 2 for place in _spread(len(present) - 1, 4)]
    cuts = [*(float(pair.sum()) for pair in pairs), float(present[len(present) // 2])]
    with np.errstate(over="ignore"):
        return [value for cut in cuts for value in _neighbours(cut)]


def _neighbours(cut: float) -> list[float]:
    single = np.float32(cut)
    below, above = -np.inf, np.inf
    return [
        cut,
        float(np.nextafter(cut, below)),
        float(np.nextafter(cut, above)),
        float(np.nextafter(single, np.float32(below))),
        float(np.nextafter(single, np.float32(above))),
    ]


def _spread(count: int, most: int) -> list[int]:
    """At most `most` places among `count`, evenly spread."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, most))}) if count > 0 else []


def _batch(sample: Sample, rows: Sequence[Sequence[Any]]) -> Batch:
    if sample.item == "vector":
        return Batch(len(rows), {VECTOR: np.array(rows, np.float64)})
    cells = {name: [row[place] for row in rows] for place, name in enumerate(sample.columns)}
    return Batch(len(rows), {name: _array(sample.batch.array(name), cells[name]) for name in sample.columns})


def _array(like: Array, cells: Sequence[Any]) -> Array:
    if like.dtype.kind == "O":
        return objects(cells)
    # A gap among whole numbers or truth values makes the column one of floats, as it does in any table.
    gaps = any(isinstance(cell, float) and np.isnan(cell) for cell in cells)
    return np.array(cells, np.float64 if gaps else like.dtype)
