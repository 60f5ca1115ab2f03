"""A safetensors file read as bytes: header within bounds, tensors end to end, no size believed."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

from modelport.errors import BundleCorrupt, BundleRefused

MAX_HEADER = 10 << 20
MAX_TENSORS = 200_000
_MAX_DIMS = 32
_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip


def scan(data: bytes) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Names of the tensors in `data`, with dtype and shape.

    Raises `BundleRefused` (`safetensors-too-large`: header above 10 MB, above 200,000 tensors) or
    `BundleCorrupt` (`safetensors-corrupt`: header, shapes, offsets or duplicate names do not hold).
    """
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER:
        msg = f"the header has more than {MAX_HEADER} bytes"
        raise BundleRefused(msg, code="safetensors-too-large")
    if len(data) < 8 or size > len(data) - 8 or data[8:9] != b"{":
        msg = "the header is not there"
        raise _corrupt(msg)
    header = _header(data[8 : 8 + size])
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        msg = f"the file has more than {MAX_TENSORS} tensors"
        raise BundleRefused(msg, code="safetensors-too-large")
    spans = sorted(_span(name, entry) for name, entry in header.items())
    ends = [(0, 0), *spans, (len(data) - 8 - size, 0)]
    if any(stop != start for (_, stop), (start, _) in pairwise(ends)):
        msg = "tensors overlap, leave gaps or end outside the file"
        raise _corrupt(msg)
    return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}


def _header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        msg = "the header is not JSON with each name once"
        raise _corrupt(msg) from None
    if not isinstance(header, dict):
        msg = "the header is not an object"
        raise _corrupt(msg)
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _span(name: str, entry: Any) -> tuple[int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        msg = f"the tensor {name[:60]!a} is not described"
        raise _corrupt(msg)
    shape, offsets = _numbers(entry["shape"]), _numbers(entry["data_offsets"])
    size = _SIZES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if size is None or len(shape) > _MAX_DIMS or len(offsets) != 2:
        msg = f"the tensor {name[:60]!a} has an unknown dtype or shape"
        raise _corrupt(msg)
    start, stop = offsets
    # Python's integers do not overflow, so this product is the true one.
    if stop - start != math.prod(shape) * size:
        msg = f"the bytes of {name[:60]!a} do not fit its shape"
        raise _corrupt(msg)
    return start, stop


def _numbers(values: Any) -> list[int]:
    if not isinstance(values, list) or not all(
        type(value) is int and 0 <= value < 1 << 63 for value in values
    ):
        msg = "a shape or offset is not a list of sizes"
        raise _corrupt(msg)
    return values


def _corrupt(message: str) -> BundleCorrupt:
    return BundleCorrupt(f"safetensors: {message}", code="safetensors-corrupt")
