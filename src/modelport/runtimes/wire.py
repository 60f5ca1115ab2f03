"""A batch as bytes between processes: a small head that names the tensors, and their memory behind it.

Numbers travel as they lie in memory, texts and other plain values in the head, as msgpack. Nothing is
pickled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from modelport.runtimes.batch import Array, Batch, Ragged, Tensor

ALIGN = 16
"""Every tensor begins at a multiple of this, so that any library may read it in place."""

_DTYPES = frozenset({"bool", "float16", "float32", "float64"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


class Head(msgspec.Struct, frozen=True, array_like=True):
    """One tensor.

    Attributes:
        name: as the signature has it.
        dtype: a numpy name, or `object` for plain values, which are in `items`.
        shape: rows first; of a ragged tensor, that of its values.
        items: the values of an object tensor, flat.
        offsets: of a ragged tensor.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    items: list[Any] | None = None
    offsets: list[int] | None = None


class Heads(msgspec.Struct, frozen=True, array_like=True):
    """A batch without its numbers."""

    rows: int
    tensors: tuple[Head, ...]


def dismantled(batch: Batch) -> tuple[Heads, list[memoryview]]:
    """The head of a batch, and the memory of its numbers, in the order of its tensors."""
    heads, parts = [], []
    for name, tensor in batch.tensors.items():
        head, memory = _dismantled(name, tensor)
        heads.append(head)
        if memory is not None:
            parts.append(memory)
    return Heads(batch.rows, tuple(heads)), parts


def assembled(heads: Heads, memory: memoryview) -> Batch:
    """The batch, its numbers in place in `memory`: writable where that is.

    Raises `ValueError` when the memory does not have the size that the head says.
    """
    place = 0
    tensors: dict[str, Tensor] = {}
    for head in heads.tensors:
        tensors[head.name], place = _assembled(head, memory, place)
    return Batch(heads.rows, tensors)


def padding(size: int) -> int:
    """Bytes that follow `size` bytes, up to where the next tensor begins."""
    return -size % ALIGN


def padded(parts: Sequence[memoryview]) -> Iterator[memoryview | bytes]:
    """Parts, each followed by its padding."""
    for part in parts:
        yield part
        if rest := padding(part.nbytes):
            yield bytes(rest)


def _dismantled(name: str, tensor: Tensor) -> tuple[Head, memoryview | None]:
    values, offsets = (
        (tensor.values, tensor.offsets.tolist()) if isinstance(tensor, Ragged) else (tensor, None)
    )
    if values.dtype.kind not in "biuf":
        return Head(name, "object", values.shape, values.ravel().tolist(), offsets), None
    memory = np.ascontiguousarray(values)
    return Head(name, values.dtype.name, values.shape, None, offsets), _bytes(memory)


def _bytes(values: Array) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _assembled(head: Head, memory: memoryview, place: int) -> tuple[Tensor, int]:
    if min(head.shape, default=0) < 0:
        msg = f"the shape of {head.name!r} is negative"
        raise ValueError(msg)
    if head.items is not None:
        return _of(head, _objects(head.items).reshape(head.shape)), place
    if head.dtype not in _DTYPES:
        msg = f"{head.name!r} is of no dtype that travels"
        raise ValueError(msg)
    dtype = np.dtype(head.dtype)
    count = math.prod(head.shape)
    values = np.frombuffer(memory, dtype, count, place) if count else np.zeros(0, dtype)
    size = count * dtype.itemsize
    return _of(head, values.reshape(head.shape)), place + size + padding(size)


def _of(head: Head, values: Array) -> Tensor:
    if head.offsets is None:
        return values
    return Ragged(values, np.asarray(head.offsets, np.int64))


def _objects(items: list[Any]) -> Array:
    array = np.empty(len(items), object)
    array[:] = items
    return array
