"""Open Inference dtype names and the numpy dtypes that carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelport.core.signature import DType, Field
from modelport.runtimes.batch import Batch, Ragged, Tensor

NUMPY: Mapping[DType, Any] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": object,
}


def conform(batch: Batch, fields: Sequence[Field]) -> Batch:
    """The tensors that `fields` name, in their dtypes; what is too large for a narrow float becomes infinite.

    Raises `KeyError` for a tensor the batch lacks.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return Batch(batch.rows, {field.name: _cast(batch[field.name], field.dtype) for field in fields})


def _cast(tensor: Tensor, dtype: DType) -> Tensor:
    if isinstance(tensor, Ragged):
        return Ragged(tensor.values.astype(NUMPY[dtype], copy=False), tensor.offsets)
    return tensor.astype(NUMPY[dtype], copy=False)
