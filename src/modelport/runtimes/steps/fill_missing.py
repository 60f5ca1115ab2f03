"""Missing cells take a value the graph knows: absent text has no place in a string tensor."""

from __future__ import annotations

import msgspec
import numpy as np

from modelport.runtimes.batch import Array, Batch


class FillMissing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Step `fill_missing`: in each named column, None (texts) or NaN (numbers) becomes its value.

    `values` maps column names to what stands for a missing cell there.
    """

    values: dict[str, str | int | float | bool]

    def apply(self, batch: Batch) -> Batch:
        """The batch with missing cells filled; other tensors are passed on as they are."""
        filled = {name: _filled(batch.array(name), value) for name, value in self.values.items()}
        return Batch(batch.rows, {**batch.tensors, **filled})


def _filled(array: Array, value: str | float | bool) -> Array:
    if array.dtype.kind not in "Of":
        return array
    missing = _absent(array) if array.dtype.kind == "O" else np.isnan(array)
    return np.where(missing, value, array).astype(array.dtype, copy=False) if missing.any() else array


def _absent(array: Array) -> Array:
    # Elementwise on purpose: `is None` would ask whether the array itself is absent.
    return np.asarray(array == np.array(None, object))
