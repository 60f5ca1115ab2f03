"""Two sets of answers to the same rows, compared: arrays in, a verdict in numbers out."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from modelport.compile.compiled import Outputs
from modelport.runtimes.batch import Array, Batch, Ragged
from modelport.runtimes.golden import same

TOLERANCE = 1e-3
"""Largest difference at which a number still counts as the same (see `runtimes.golden.same`)."""

_WORST = 5
_INDICES = ("label", "labels", "cluster")


class Difference(msgspec.Struct, frozen=True):
    """How far one numeric output is from the original's: largest and 99.9th percentile difference."""

    output: str
    max_absolute: float
    max_relative: float
    p999_absolute: float
    p999_relative: float


class WorstRow(msgspec.Struct, frozen=True):
    """A row that differs most: its place among the rows checked, its input, both answers."""

    index: int
    output: str
    input: dict[str, Any]
    expected: Any
    got: Any


class Parity(msgspec.Struct, frozen=True):
    """The outcome of a comparison; plain data, kept with the bundle as evidence.

    Attributes:
        rows: rows compared, `edge_rows` of them generated.
        refused_rows: generated rows that the original itself refuses, left out.
        label_agreement: share of rows with the same label, near-ties not counted; 1.0 where there are none.
        near_ties: rows with another label where the original's own two best differ by less than `tolerance`.
        differences: one per numeric output.
        worst: the worst rows beyond tolerance; empty when parity holds.
        tolerance: the limit.
        holds: the verdict.
    """

    rows: int
    edge_rows: int
    refused_rows: int
    label_agreement: float
    near_ties: int
    differences: tuple[Difference, ...]
    worst: tuple[WorstRow, ...]
    tolerance: float
    holds: bool


def compare(expected: Outputs, got: Batch, inputs: Batch, tolerance: float = TOLERANCE) -> Parity:
    """The outcome for answers that are already there: arrays only, wherever they were computed.

    Never raises for a difference; a missing output or another shape is the largest difference there is.
    """
    return compare_rows(expected, got, inputs, tolerance)[0]


def rectangular(got: Batch, expected: Outputs) -> Batch:
    """Ragged answers in the form of the original's: rows filled up to its width with -1, floats with 0."""
    tensors = {
        name: _filled(tensor, expected[name]) if isinstance(tensor, Ragged) and name in expected else tensor
        for name, tensor in got.tensors.items()
    }
    return Batch(got.rows, tensors)


def _filled(rows: Ragged, like: Array) -> Array:
    lengths = np.diff(rows.offsets)
    width = max(like.shape[1], int(lengths.max(initial=0)))
    fill = 0 if rows.values.dtype.kind == "f" else -1
    filled = np.full((len(rows), width), fill, rows.values.dtype)
    filled[np.arange(width) < lengths[:, None]] = rows.values
    return filled


def describe(parity: Parity) -> str:
    """The worst rows, in words for a terminal."""
    lines = [f"the compiled model answers otherwise than the original on {parity.rows} rows:"]
    for row in parity.worst:
        shown = ", ".join(f"{name}={value!r:.80}" for name, value in list(row.input.items())[:8])
        lines.append(f"  row {row.index} ({shown}): {row.output} expected {row.expected}, got {row.got}")
    return "\n".join(lines)


def compare_rows(
    expected: Outputs, got: Batch, inputs: Batch, tolerance: float, *, edge_rows: int = 0, refused: int = 0
) -> tuple[Parity, Array]:
    """As `compare`, with the rows that are alike in every output and no near-ties.

    `edge_rows` and `refused` are noted in the outcome.
    """
    ties = _near_ties(expected, inputs.rows, tolerance)
    wrong = {name: _wrong(values, got, name, tolerance) for name, values in expected.items()}
    tied = np.zeros(inputs.rows, np.bool_)
    for name in _INDICES:
        if name in wrong:
            tied |= wrong[name] & ties
            wrong[name] = wrong[name] & ~ties
    any_wrong = np.logical_or.reduce([*wrong.values(), np.zeros(inputs.rows, np.bool_)])
    labels = [rows for name, rows in wrong.items() if name in _INDICES]
    parity = Parity(
        rows=inputs.rows,
        edge_rows=edge_rows,
        refused_rows=refused,
        label_agreement=1.0 - float(labels[0].mean()) if labels and inputs.rows else 1.0,
        near_ties=int(tied.sum()),
        differences=tuple(_differences(expected, got)),
        worst=tuple(_worst(wrong, expected, got, inputs)),
        tolerance=tolerance,
        holds=not any_wrong.any(),
    )
    return parity, ~(any_wrong | ties)


def _wrong(expected: Array, got: Batch, name: str, tolerance: float) -> Array:
    """Row by row, whether the output `name` is not the expected one."""
    values = got.tensors.get(name)
    if not isinstance(values, np.ndarray) or values.shape != expected.shape:
        return np.ones(len(expected), np.bool_)
    alike = expected == values if expected.dtype.kind in "OU" else same(expected, values, tolerance)
    return np.asarray(~_flat(np.asarray(alike)).all(axis=1))


def _near_ties(expected: Outputs, rows: int, tolerance: float) -> Array:
    """Rows where the original itself could as well have said something else."""
    values = expected.get("probabilities", expected.get("scores"))
    if values is None:
        return np.zeros(rows, np.bool_)
    if "labels" in expected:  # one decision per target, each at one half
        return np.asarray(_flat(np.abs(values - 0.5) <= tolerance / 2).any(axis=1))
    if values.ndim == 1 or values.shape[1] == 1:  # one decision value, cut at zero
        return np.asarray(np.abs(values.reshape(rows)) <= tolerance)
    best = np.sort(values, axis=1)
    return np.asarray(np.diff(best[:, -2:], axis=1).reshape(rows) <= tolerance)


def _differences(expected: Outputs, got: Batch) -> list[Difference]:
    return [
        _difference(name, values, got.array(name))
        for name, values in expected.items()
        if name not in _INDICES and values.dtype.kind == "f" and name in got.tensors
        if got.array(name).shape == values.shape
    ]


def _difference(name: str, expected: Array, got: Array) -> Difference:
    both = np.isfinite(expected) & np.isfinite(got)
    absolute = np.abs(expected[both] - got[both])
    relative = absolute / np.maximum(np.abs(expected[both]), np.finfo(np.float32).tiny)
    if not absolute.size:
        return Difference(name, 0.0, 0.0, 0.0, 0.0)
    tails = (float(np.quantile(values, 0.999)) for values in (absolute, relative))
    return Difference(name, float(absolute.max()), float(relative.max()), *tails)


def _worst(wrong: dict[str, Array], expected: Outputs, got: Batch, inputs: Batch) -> list[WorstRow]:
    found: list[WorstRow] = []
    for name, rows in wrong.items():
        values = got.tensors.get(name)
        answered = values if isinstance(values, np.ndarray) and len(values) == inputs.rows else None
        for index in _by_distance(expected[name], answered, np.flatnonzero(rows))[:_WORST]:
            answer = None if answered is None else _plain(answered[index])
            found.append(
                WorstRow(int(index), name, row_of(inputs, index), _plain(expected[name][index]), answer)
            )
    return found


def _by_distance(expected: Array, got: Array | None, rows: Array) -> Array:
    """`rows`, the farthest from its expected answer first."""
    if not len(rows) or got is None or got.shape != expected.shape or expected.dtype.kind not in "fiub":
        return rows
    apart = _flat(np.abs(expected[rows].astype(np.float64) - got[rows]))
    return np.asarray(
        rows[np.argsort(-np.nan_to_num(apart, nan=np.inf).max(axis=1, initial=0.0), kind="stable")]
    )


def _flat(values: Array) -> Array:
    """One row per row, whatever the shape and however few rows there are."""
    return values.reshape(len(values), int(np.prod(values.shape[1:], dtype=np.int64)))


def row_of(inputs: Batch, index: int) -> dict[str, Any]:
    """One row as plain data; infinities and NaN as words, since JSON has none."""
    return {name: _plain(inputs.array(name)[index]) for name in inputs.tensors}


def _plain(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    return plain
