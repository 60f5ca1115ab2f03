"""Rows that a caller has in memory, as a file of the kind that samples are read from."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.compile.images import pictures
from modelport.compile.sample import VECTOR, Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

_encode = msgspec.json.Encoder().encode


def write(data: Any, folder: Path, *, images: bool = False) -> Path:
    """A file in `folder`, or a folder of pictures there, that `readers.read` reads as the rows of `data`.

    `data` is whatever `Sample.of_any` takes, or picture files as `images.pictures` takes them. Categories of
    pandas become the plain values they stand for. Raises `Unsupported` (`unsupported-sample`) for rows that
    no such file holds.
    """
    if isinstance(data, np.ndarray) and data.dtype.kind in "biuf":
        return _array(data, folder)
    sample = pictures(data) if images or _are_files(data) else Sample.of_any(data)
    return _WRITERS[sample.item](sample, folder)


def _are_files(data: Any) -> bool:
    listed = isinstance(data, Sequence) and not isinstance(data, str | bytes)
    return listed and bool(data) and all(isinstance(each, bytes | bytearray | Path) for each in data)


def _array(values: Array, folder: Path) -> Path:
    path = folder / "rows.npy"
    np.save(path, values, allow_pickle=False)
    return path


def _pictures(sample: Sample, folder: Path) -> Path:
    path = folder / "pictures"
    path.mkdir()
    for place, data in enumerate(sample.batch.array(next(iter(sample.batch.tensors)))):
        (path / f"{place:06}").write_bytes(data)
    return path


def _texts(sample: Sample, folder: Path) -> Path:
    return _lines(list(sample.batch.array("text")), folder)


def _vector(sample: Sample, folder: Path) -> Path:
    matrix = sample.batch.array(VECTOR)
    if not sample.columns:
        return _array(matrix, folder)
    return _archive({name: matrix[:, place] for place, name in enumerate(sample.columns)}, folder)


def _columns(sample: Sample, folder: Path) -> Path:
    arrays = {name: sample.batch.array(name) for name in sample.columns}
    numbers = {name: values for name, values in arrays.items() if values.dtype.kind == "f"}
    infinite = [name for name, values in numbers.items() if np.isinf(values).any()]
    if infinite:
        msg = f"the column {infinite[0]!r} of the sample holds an infinity, which no file of texts can"
        raise Unsupported(msg, code="unsupported-sample", hint="leave out rows with infinities")
    cells = (array.tolist() for array in arrays.values())
    return _lines([dict(zip(arrays, row, strict=True)) for row in zip(*cells, strict=True)], folder)


def _tensors(sample: Sample, folder: Path) -> Path:
    if sample.more:
        msg = "rows of different sizes go into no file of a sample"
        hint = "give rows of one size, or load the model yourself and give it itself"
        raise Unsupported(msg, code="unsupported-sample", hint=hint)
    return _archive({name: sample.batch.array(name) for name in sample.batch.tensors}, folder)


def _archive(arrays: Mapping[str, Array], folder: Path) -> Path:
    """As `numpy.savez`, which has no arrays called `file`."""
    path = folder / "rows.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values, allow_pickle=False)
    return path


def _lines(rows: Sequence[Any], folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(b"".join(_encode(row) + b"\n" for row in rows))
    return path


_WRITERS = {
    "text": _texts,
    "vector": _vector,
    "columns": _columns,
    "tensors": _tensors,
    "image": _pictures,
}
