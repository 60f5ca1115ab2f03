"""Missing cells take a value the graph knows: absent text has no place in a string tensor."""

from __future__ import annotations

import msgspec
import numpy as np

from modelport.runtimes.batch import Array, Batch


class FillMissing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Step `fill_missing`: in `column`, None (texts) or NaN (numbers) becomes `value`."""

    column: str
    value: str | int | float | bool

    def apply(self, batch: Batch) -> Batch:
        """The batch with the column's missing cells filled; other tensors are passed on as they are."""
        filled = _filled(batch.array(self.column), self.value)
        return Batch(batch.rows, {**batch.tensors, self.column: filled})


def _filled(array: Array, value: str | float | bool) -> Array:
    if array.dtype.kind not in "Of":
        return array
    missing = _absent(array) if array.dtype.kind == "O" else np.isnan(array)
    return np.where(missing, value, array).astype(array.dtype, copy=False) if missing.any() else array


def _absent(array: Array) -> Array:
    # Elementwise on purpose: `is None` would ask whether the array itself is absent.
    return np.asarray(array == np.array(None, object))
