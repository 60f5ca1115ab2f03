"""Values of items into the tensors of a model, checked against its signature and its rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelport.core.signature import Field
from modelport.errors import BadRequest, InvalidInput
from modelport.runtimes.batch import Array
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.spellings import Row
from modelport.serving.codecs.tensors import NUMPY, check_finite

Notes = tuple[str, ...]
"""What the rules cleaned in one item."""


class Columns:
    """Makes the columns of one slot: every value of an item has its place in one."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def vector(self, item: Field, rows: list[Row]) -> Array:
        """All rows as one matrix; raises `InvalidInput`."""
        width = item.shape[-1]
        for row in rows:
            if width >= 0 and len(row) != width:
                msg = f"the item has {len(row)} values, the model takes {width}"
                raise InvalidInput(msg, code="wrong-length", pointer="/input")
        array = _array(item, rows)
        self._numbers(item, array)
        for index, name in enumerate(item.columns if self._rules.ranges else ()):
            if name in self._rules.ranges:
                self._range(name, array[:, index])
        return array

    def column(self, item: Field, values: Sequence[Any], notes: dict[int, Notes]) -> Array:
        """The values of one input, one per row; adds to `notes` what was cleaned; raises `InvalidInput`."""
        if item.dtype == "BYTES" and len(item.shape) == 1:
            return self._texts(item, values, notes)
        array = _array(item, values)
        if array.ndim != len(item.shape):
            msg = f"{item.name!r} has {array.ndim - 1} dimensions, the model takes {len(item.shape) - 1}"
            raise InvalidInput(msg, code="shape-mismatch", pointer=f"/input/{item.name}")
        if any(want not in {-1, size} for want, size in zip(item.shape[1:], array.shape[1:], strict=True)):
            msg = (
                f"{item.name!r} has the shape {list(array.shape[1:])}, the model takes {list(item.shape[1:])}"
            )
            raise InvalidInput(msg, code="shape-mismatch", pointer=f"/input/{item.name}")
        self._numbers(item, array)
        if item.name in self._rules.ranges:
            self._range(item.name, array)
        return array

    def _texts(self, item: Field, values: Sequence[Any], notes: dict[int, Notes]) -> Array:
        array = np.empty(len(values), object)
        for index, value in enumerate(values):
            if value is None:
                array[index] = None
                continue
            array[index], cleaned = self._rules.text(value)
            if cleaned:
                notes[index] = cleaned
        if item.closed:
            _check_categories(item, array)
        return array

    def _numbers(self, item: Field, array: Array) -> None:
        if not self._rules.allow_nonfinite:
            try:
                check_finite(item.name, array, missing=item.missing)
            except BadRequest as error:
                raise InvalidInput(error.message, code=error.code, pointer="/input") from None

    def _range(self, name: str, array: Array) -> None:
        row = self._rules.outside(name, array)
        if row is not None:
            low, high = self._rules.ranges[name]
            msg = f"{name!r} is {array[row]}, outside {low} to {high}"
            raise InvalidInput(msg, code="out-of-range", pointer=f"/input/{name}")


def _array(item: Field, values: Sequence[Any]) -> Array:
    try:
        return np.array(values, NUMPY[item.dtype])
    except OverflowError:
        msg = f"{item.name!r} holds a number outside the range of {item.dtype}"
        raise InvalidInput(msg, code="out-of-range", pointer="/input") from None
    except (ValueError, TypeError):
        msg = f"{item.name!r} holds lists of different lengths"
        raise InvalidInput(msg, code="shape-mismatch", pointer="/input") from None


def _check_categories(item: Field, array: Array) -> None:
    known = frozenset(item.categories)
    for value in array:
        if value is not None and value not in known:
            msg = f"{str(value)[:100]!r} is not a category of {item.name!r}"
            raise InvalidInput(msg, code="unknown-category", pointer=f"/input/{item.name}")
