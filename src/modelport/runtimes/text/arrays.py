"""Reading number tables and term lists from bundle files, without pickle and without trust."""

from __future__ import annotations

import io
import math

import msgspec
import numpy as np
import numpy.typing as npt

from modelport.errors import BundleCorrupt

Floats = npt.NDArray[np.float64]


def dump(array: npt.ArrayLike) -> bytes:
    """`array` as a float64 `.npy` file in C order."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.ascontiguousarray(array, "<f8"), allow_pickle=False)
    return out.getvalue()


def load(data: bytes, shape: tuple[int, ...], name: str) -> Floats:
    """The finite float64 array of exactly `shape` in the `.npy` file `data`.

    `name` is how messages call it. Raises `BundleCorrupt` for any other header, size or value.
    """
    stream = io.BytesIO(data)
    found, fortran, dtype = _header(stream, name)
    if fortran or dtype != np.dtype("<f8") or found != shape:
        raise _corrupt(name, f"is not a float64 table of shape {shape}")
    if len(data) - stream.tell() != math.prod(shape) * 8:
        raise _corrupt(name, "does not have the size its header says")
    array = np.frombuffer(data, "<f8", offset=stream.tell()).reshape(shape)
    if not np.isfinite(array).all():
        raise _corrupt(name, "holds a number that is not finite")
    return array


def terms(data: bytes, size: int, name: str) -> list[str]:
    """The `size` different terms in the JSON list `data`. Raises `BundleCorrupt`."""
    try:
        found = msgspec.json.decode(data, type=list[str])
    except msgspec.MsgspecError as error:
        raise _corrupt(name, "is not a list of terms") from error
    if len(found) != size or len(set(found)) != size:
        raise _corrupt(name, f"does not hold {size} different terms")
    return found


def _header(stream: io.BytesIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise _corrupt(name, "is not a version 1.0 .npy file")
        return np.lib.format.read_array_header_1_0(stream, max_header_size=1_000)
    except ValueError as error:
        raise _corrupt(name, "has no readable .npy header") from error


def _corrupt(name: str, what: str) -> BundleCorrupt:
    return BundleCorrupt(f"{name} {what}", hint="pack the model again")
