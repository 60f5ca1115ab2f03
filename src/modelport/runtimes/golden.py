"""Golden rows between arrays and plain lists, and their replay on the machine that is to serve them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from modelport.core.golden import Golden
from modelport.core.signature import Field, Signature
from modelport.errors import BundleCorrupt, ModelFailed
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch, Ragged, Tensor
from modelport.runtimes.dtypes import NUMPY


def golden_of(inputs: Batch, outputs: Mapping[str, Tensor], tolerance: float) -> Golden:
    """The golden rows of a batch and its right answers.

    NaN and absent text are written as null, bytes in base64.
    """
    return Golden(
        {name: _plain(inputs.array(name)) for name in inputs.tensors},
        {name: _rows(tensor) for name, tensor in outputs.items()},
        inputs.rows,
        tolerance,
    )


def inputs_of(golden: Golden, signature: Signature) -> Batch:
    """The batch of the golden inputs. Raises `BundleCorrupt` when they do not fit the signature."""
    read = _pictures if signature.item == "image" else _tensor
    return Batch(golden.rows, {field.name: read(field, golden) for field in signature.inputs})


def replay(predictor: Predictor, golden: Golden, signature: Signature) -> None:
    """Runs the golden rows and compares.

    Raises `ModelFailed` (`golden-mismatch`) naming the first row that answers otherwise than when it was
    packed, `BundleCorrupt` when the golden rows do not fit the signature.
    """
    if not golden.rows:  # no row was free of near-ties when it was packed
        return
    answers = predictor.predict(inputs_of(golden, signature)).tensors
    for name, expected in golden.outputs.items():
        row = _first_unlike(expected, answers.get(name), golden.tolerance)
        if row is not None:
            msg = f"golden row {row} answers {name!r} otherwise than when it was packed"
            raise ModelFailed(msg, code="golden-mismatch", hint="compile the model again for this machine")


def same(expected: Array, got: Array, tolerance: float) -> Array:
    """Whether two numeric arrays of one shape agree, element by element.

    They do when |difference| <= tolerance * max(scale, |expected|), where scale is the largest expected
    magnitude but at most 1: a model whose answers are all tiny is held to its own measure. NaN agrees with
    NaN and an infinity with itself. Integers agree only when equal.
    """
    if expected.dtype.kind in "iub" and got.dtype.kind in "iub":
        return np.asarray(expected == got)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(expected - got) <= tolerance * np.maximum(scale(expected), np.abs(expected))
    finite = np.isfinite(expected)
    return np.asarray((near & finite) | (expected == got) | (np.isnan(expected) & np.isnan(got)))


def scale(expected: Array) -> float:
    """The largest finite magnitude in `expected`, at most 1; 1 when there is none above zero."""
    finite = np.abs(expected[np.isfinite(expected)])
    return min(1.0, float(finite.max(initial=0.0))) or 1.0


def _first_unlike(expected: list[Any], got: Tensor | None, tolerance: float) -> int | None:
    if not isinstance(got, Ragged):
        return _first_wrong(_expected(expected), np.asarray(got), tolerance)
    for row, (wanted, length) in enumerate(zip(expected, np.diff(got.offsets).tolist(), strict=False)):
        if len(wanted) != length:
            return row
    if not len(got.values) or len(expected) != len(got):
        return None if len(expected) == len(got) else 0
    value = _first_wrong(_expected(list(chain.from_iterable(expected))), got.values, tolerance)
    return None if value is None else int(np.searchsorted(got.offsets, value, "right")) - 1


def _first_wrong(expected: Array, got: Array, tolerance: float) -> int | None:
    if got.shape != expected.shape:
        return 0
    wrong = ~same(expected, got, tolerance) if expected.dtype.kind in "iufb" else expected != got
    rows = wrong.reshape(len(wrong), int(np.prod(wrong.shape[1:], dtype=np.int64))).any(axis=1)
    return int(rows.argmax()) if rows.any() else None


def _rows(tensor: Tensor) -> list[Any]:
    if not isinstance(tensor, Ragged):
        return _plain(tensor)
    return [_plain(row) for row in np.split(tensor.values, tensor.offsets[1:-1])]


def _plain(array: Array) -> list[Any]:
    plain: list[Any] = array.tolist()
    return [_cell(value) for value in plain]


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return [_cell(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return None if isinstance(value, float) and math.isnan(value) else value


def _tensor(field: Field, golden: Golden) -> Array:
    try:
        dtype = NUMPY[field.dtype]
        values = golden.inputs[field.name]
        array = _objects(values) if dtype is object else np.array(_numbers(values), dtype)
    except (KeyError, ValueError, TypeError) as error:
        msg = f"the golden rows do not fit the input {field.name!r}"
        raise BundleCorrupt(msg) from error
    if len(array) != golden.rows:
        msg = f"the golden rows of the input {field.name!r} are not {golden.rows}"
        raise BundleCorrupt(msg)
    return array


def _pictures(field: Field, golden: Golden) -> Array:
    """Bytes, which JSON carries in base64."""
    texts = _tensor(field, golden)
    try:
        return _objects([base64.b64decode(text, validate=True) for text in texts])
    except (TypeError, ValueError) as error:
        msg = f"the golden rows do not fit the input {field.name!r}"
        raise BundleCorrupt(msg) from error


def _expected(values: list[Any]) -> Array:
    flat = np.array(_numbers(values), object).ravel()
    if any(isinstance(value, str) for value in flat):
        return _objects(values)
    return np.array(_numbers(values))


def _objects(values: list[Any]) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    return math.nan if value is None else value
