"""Sample files into plain rows and columns: CSV, JSONL, lines of text."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.compile.columns import parsed
from modelport.errors import Unsupported


def read(path: Path, *, without: str | None = None) -> Any:
    """What the file, or a folder of pictures, holds, in a form `Sample.of_any` takes.

    `without` names a column to leave out.
    Raises `Unsupported` for a file we cannot read, or one without that column.
    """
    found = _pictures(path) if path.is_dir() else _raw(path)
    if without is not None:
        found = {name: values for name, values in _table(found, without).items() if name != without}
    return _single_text(found) if isinstance(found, Mapping) else found


def _pictures(path: Path) -> Any:
    from modelport.compile.images import pictures

    return pictures(path)


def read_column(path: Path, name: str) -> list[Any]:
    """The cells of one column of the file. Raises `Unsupported` as `read` does."""
    return list(_table(_raw(path), name)[name])


def _raw(path: Path) -> Any:
    if path.suffix.lower() in {".npy", ".npz"}:
        return _arrays(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        msg = f"cannot read a sample from a {path.suffix or 'nameless'} file"
        raise Unsupported(
            msg,
            code="unsupported-sample",
            hint=f"use one of {', '.join(_READERS)}, .npy, .npz, or a folder of pictures",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the sample {path.name!r}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise Unsupported(msg, code="unsupported-sample") from error
    return reader(text)


def _table(found: Any, name: str) -> Mapping[str, Any]:
    """The columns of a file that has one of this name, and others."""
    if not isinstance(found, Mapping) or name not in found or len(found) < 2:
        columns = ", ".join(found) if isinstance(found, Mapping) else "none"
        msg = f"the sample has no column {name!r} beside others"
        raise Unsupported(msg, code="unsupported-sample", hint=f"its columns: {columns[:300]}")
    return found


def _arrays(path: Path) -> Any:
    """One array, or arrays by name; never a pickle."""
    try:
        found = np.load(path, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        msg = f"cannot read the sample {path.name!r}: it does not hold arrays of numbers"
        raise Unsupported(msg, code="unsupported-sample", hint="write it with numpy.savez") from error


def _csv(text: str) -> Any:
    rows = [row for row in csv.reader(text.splitlines(keepends=True)) if row]
    if not rows:
        msg = "the CSV file is empty"
        raise Unsupported(msg, code="empty-sample")
    header, body = rows[0], rows[1:]
    wrong = next((place for place, row in enumerate(body) if len(row) != len(header)), None)
    if wrong is not None:
        msg = f"CSV row {wrong + 2} has {len(body[wrong])} cells, the header has {len(header)}"
        raise Unsupported(msg, code="unsupported-sample")
    return {name: parsed(name, [row[place] for row in body]) for place, name in enumerate(header)}


def _jsonl(text: str) -> Any:
    try:
        rows = [msgspec.json.decode(line) for line in text.split("\n") if line.strip()]
    except msgspec.DecodeError as error:
        msg = f"a line of the JSONL file is not JSON: {error}"
        raise Unsupported(msg, code="unsupported-sample") from error
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}
    return rows


def _lines(text: str) -> Any:
    return text.splitlines()


def _single_text(table: Mapping[str, Any]) -> Any:
    """One lone column of texts is a list of texts: that is what a text pipeline reads."""
    if len(table) == 1:
        (values,) = table.values()
        if all(isinstance(value, str) for value in values):
            return list(values)
    return table


_READERS: dict[str, Callable[[str], Any]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".txt": _lines,
}
