"""The one shape in which rows travel between codecs, runtimes and compilers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of different lengths: `values` end to end, row `i` is `values[offsets[i]:offsets[i + 1]]`."""

    values: Array
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


Tensor = Array | Ragged
"""Dense tensors are arrays with rows first; text and bytes are object arrays of `str` or `bytes`."""


class Batch(msgspec.Struct, frozen=True, eq=False):  # made three times per request: a dataclass takes 1 us
    """`rows` rows of named tensors; every tensor has `rows` as its first dimension.

    Dtypes are those the signature names (see `core.signature.DType`); text is an object array of `str`.
    """

    rows: int
    tensors: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def array(self, name: str) -> Array:
        """The dense tensor `name`; raises `TypeError` when it is ragged."""
        tensor = self.tensors[name]
        if isinstance(tensor, Ragged):
            msg = f"tensor {name!r} is ragged"
            raise TypeError(msg)
        return tensor


def concat(batches: Sequence[Batch]) -> Batch:
    """Join batches of the same tensors, rows in order."""
    if len(batches) == 1:
        return batches[0]
    names = batches[0].tensors.keys()
    rows = sum(batch.rows for batch in batches)
    return Batch(rows, {name: _join([batch.tensors[name] for batch in batches]) for name in names})


def split(batch: Batch, sizes: Sequence[int]) -> Iterator[Batch]:
    """Cut a batch back into runs of `sizes` rows, as views where the tensor is dense."""
    start = 0
    for size in sizes:
        yield cut(batch, start, start + size)
        start += size


def cut(batch: Batch, start: int, stop: int) -> Batch:
    """Rows `start` to `stop`, as views."""
    return Batch(stop - start, {name: _cut(tensor, start, stop) for name, tensor in batch.tensors.items()})


def _join(parts: Sequence[Tensor]) -> Tensor:
    first = parts[0]
    if isinstance(first, Ragged):
        return _join_ragged([part for part in parts if isinstance(part, Ragged)])
    return np.concatenate(parts)  # type: ignore[arg-type]


def _join_ragged(parts: Sequence[Ragged]) -> Ragged:
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return Ragged(np.concatenate([part.values for part in parts]), offsets)


def _cut(tensor: Tensor, start: int, stop: int) -> Tensor:
    if isinstance(tensor, Ragged):
        offsets = tensor.offsets[start : stop + 1]
        return Ragged(tensor.values[offsets[0] : offsets[-1]], offsets - offsets[0])
    return tensor[start:stop]
