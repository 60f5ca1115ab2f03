"""CatBoost's target statistics (CTRs) as tables.

For a category, or a combination of categories and bits, a model keeps counts, and from them a number: how
often the target was above a border, smoothed by a prior. Combinations are known by a hash of hashes; every
combination of values that the sample shows is hashed here, and those must cover all that the model keeps.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelport.compile.boosting.boosted import Crossed
from modelport.compile.boosting.checked import refused
from modelport.errors import Unsupported

_MASK = (1 << 64) - 1
_MULTIPLIER = 0x4906BA494954CB65
_EMPTY = _MASK
"""The hash of a slot without an entry."""
_MAX_COMBINATIONS = 1 << 18


@dataclass(frozen=True, slots=True)
class Columns:
    """The tables, and the column of each CTR among all their columns."""

    tables: tuple[Crossed, ...]
    column: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Projection:
    """What a statistic is taken over: columns by their hashes, bits of numbers, bits of categories."""

    features: tuple[int, ...]
    borders: tuple[tuple[int, float], ...]
    exact: tuple[tuple[int, int], ...]


def crossed_of(
    document: Mapping[str, Any],
    hashes: Mapping[int, Sequence[int]],
    categories: Mapping[int, int],
    floats: Mapping[int, int],
) -> Columns:
    """The tables of all statistics in a document.

    `hashes` are those of the values that the sample shows, `categories` and `floats` the places of columns,
    by CatBoost's number of the feature. Raises `Unsupported` when the sample shows too little, or the
    combinations are too many.
    """
    ctrs = list(document["features_info"].get("ctrs") or ())
    grouped: dict[_Projection, list[int]] = {}
    for number, ctr in enumerate(ctrs):
        grouped.setdefault(_projection(ctr["elements"]), []).append(number)
    tables: list[Crossed] = []
    column: dict[int, int] = {}
    for projection, numbers in grouped.items():
        rows = _combinations(projection, hashes)
        values = [_values(ctrs[number], document["ctr_data"], rows) for number in numbers]
        column.update(zip(numbers, itertools.count(len(column)), strict=False))
        tables.append(_crossed(projection, hashes, categories, floats, np.column_stack(values)))
    return Columns(tuple(tables), tuple(column[number] for number in range(len(ctrs))))


def signed(value: int) -> int:
    """The low 32 bits as a signed number."""
    low = value & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


def _projection(elements: Sequence[Mapping[str, Any]]) -> _Projection:
    features: list[int] = []
    borders: list[tuple[int, float]] = []
    exact: list[tuple[int, int]] = []
    for element in elements:
        kind = element["combination_element"]
        if kind == "cat_feature_value":
            features.append(int(element["cat_feature_index"]))
        elif kind == "float_feature":
            borders.append((int(element["float_feature_index"]), float(np.float32(element["border"]))))
        elif kind == "cat_feature_exact_value":
            exact.append((int(element["cat_feature_index"]), signed(int(element["value"]))))
        else:
            msg = f"a statistic is taken over {kind!r}, which is not known here"
            raise Unsupported(msg)
    return _Projection(tuple(features), tuple(borders), tuple(exact))


def _sizes(projection: _Projection, hashes: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    columns = [*projection.features, *(feature for feature, _ in projection.exact)]
    return (*(len(hashes[feature]) + 1 for feature in columns), *(2 for _ in projection.borders))


def _combinations(projection: _Projection, hashes: Mapping[int, Sequence[int]]) -> list[int | None]:
    """The hash of every combination; None where an unknown value takes part."""
    sizes = _sizes(projection, hashes)
    if np.prod([float(size) for size in sizes]) > _MAX_COMBINATIONS:
        msg = "CatBoost crosses categories in more combinations than a table holds"
        raise Unsupported(msg, hint="train it with max_ctr_complexity=1, or with simple_ctr only")
    parts: list[list[int | None]] = [[*hashes[feature], None] for feature in projection.features]
    parts += [[*(int(each == value) for each in hashes[feature]), 0] for feature, value in projection.exact]
    parts += [[0, 1] for _ in projection.borders]
    plain, bits = len(projection.features), len(projection.exact)
    return [
        None
        if None in row[:plain]
        # The library mixes in bits of numbers before those of categories.
        else _hash(
            [
                each
                for each in (*row[:plain], *row[plain + bits :], *row[plain : plain + bits])
                if each is not None
            ]
        )
        for row in itertools.product(*parts)
    ]


def _hash(parts: Sequence[int]) -> int:
    found = 0
    for part in parts:
        found = _MULTIPLIER * (found + _MULTIPLIER * (part & _MASK) & _MASK) & _MASK
    return found


def _crossed(
    projection: _Projection,
    hashes: Mapping[int, Sequence[int]],
    categories: Mapping[int, int],
    floats: Mapping[int, int],
    values: Any,
) -> Crossed:
    columns = [*projection.features, *(feature for feature, _ in projection.exact)]
    return Crossed(
        features=tuple(categories[feature] for feature in columns),
        thresholds=tuple((floats[feature], border) for feature, border in projection.borders),
        sizes=_sizes(projection, hashes),
        values=values,
    )


def _values(ctr: Mapping[str, Any], data: Mapping[str, Any], rows: Sequence[int | None]) -> Any:
    """The statistic of every combination, in float32 as the library computes it."""
    table = data[ctr["identifier"]]
    entries = _entries(table)
    missed = entries.keys() - {row for row in rows if row is not None}
    if missed:
        msg = f"the model keeps statistics of {len(missed)} categories that the sample does not show"
        hint = "give a sample with every value of its categorical columns"
        raise Unsupported(msg, code="sample-mismatch", hint=hint)
    counted = [_counts(ctr, table, entries.get(row) if row is not None else None) for row in rows]
    part, whole = np.asarray(counted, np.float32).T
    prior, spread = np.float32(ctr["prior_numerator"]), np.float32(ctr["prior_denomerator"])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (part + prior) / (whole + spread)
    found = (share + np.float32(ctr["shift"])) * np.float32(ctr["scale"])
    if not np.isfinite(found).all():
        msg = "a statistic of the model is not a number"
        raise refused(msg)
    return found


def _entries(table: Mapping[str, Any]) -> dict[int, list[float]]:
    flat, stride = table["hash_map"], int(table["hash_stride"])
    if stride < 2 or len(flat) % stride:
        msg = "a table of statistics is cut"
        raise refused(msg)
    found = {}
    for place in range(0, len(flat), stride):
        if int(flat[place]) != _EMPTY:
            found[int(flat[place])] = [float(each) for each in flat[place + 1 : place + stride]]
    return found


def _counts(
    ctr: Mapping[str, Any], table: Mapping[str, Any], entry: list[float] | None
) -> tuple[float, float]:
    """How many rows of the combination had the target, of how many."""
    kind = ctr["ctr_type"]
    if kind in {"Counter", "FeatureFreq"}:
        return (entry[0] if entry else 0.0), float(table["counter_denominator"])
    if entry is None:
        return 0.0, 0.0
    if kind in {"BinarizedTargetMeanValue", "FloatTargetMeanValue"}:
        return entry[0], entry[1]
    border = int(ctr["target_border_idx"])
    if kind == "Buckets":
        return entry[border], sum(entry)
    if kind == "Borders":
        return sum(entry[border + 1 :]), sum(entry)
    msg = f"the model has statistics of the kind {kind!r}, which are not known here"
    raise Unsupported(msg)
