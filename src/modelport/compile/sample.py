"""The rows a model is packed with: what one item is, and real values to prove the compiled model on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelport.compile import tensors
from modelport.compile.columns import column, objects
from modelport.core.manifest import Label
from modelport.core.signature import Item
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch

VECTOR = "input"
"""Name of the one tensor of a `vector` item: float64 `[n, k]`."""

TEXT = "text"
"""Name of the one tensor of a `text` item: object array `[n]` of `str`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows in the bundle's own input form.

    Attributes:
        item: `vector`, `columns` or `text` (`tensors` for a plain graph with other inputs).
        batch: `vector`: one tensor `input`, float64 `[n, k]`. `columns`: one tensor per column, numbers as
            float64, int64 or bool `[n]`, texts as object arrays of `str` and None. `text`: one tensor `text`,
            object `[n]` of `str`.
        columns: names in order; empty where the rows came without names.
        categories: columns that were pandas categoricals, with their categories in pandas' order.
        positional: the columns came from an unnamed table; their names (`x0`, `x1`, …) are ours.
        more: `tensors` only: batches of rows of other sizes, for models that take several.
    """

    item: Item
    batch: Batch
    columns: tuple[str, ...] = ()
    categories: Mapping[str, tuple[Label, ...]] = field(default_factory=dict)
    positional: bool = False
    more: tuple[Batch, ...] = ()

    def __len__(self) -> int:
        return self.batch.rows

    @staticmethod
    def of(data: Any) -> Sample:
        """The sample in a numpy array, DataFrame, Series or list of texts, list of rows, or dict of columns.

        A table whose columns are all numbers becomes a `vector`; any text, category or boolean column makes
        it `columns`. Raises `Unsupported` for empty or other data.
        """
        sample = Sample.of_any(data)
        if sample.item in {"tensors", "image"}:
            msg = f"a sample of a table has rows and columns, this one holds {sample.item}"
            raise Unsupported(msg, code="unsupported-sample", hint="reshape it to [rows, columns]")
        return sample

    @staticmethod
    def of_any(data: Any) -> Sample:
        """As `of`, for models that take more than tables and texts.

        Arrays of three and more dimensions, dicts with one of two and more, and lists of dicts of arrays
        become `tensors`, an array alone as `input`.
        """
        sample = data if isinstance(data, Sample) else _of(data)
        if not len(sample):
            msg = "the sample has no rows"
            raise Unsupported(msg, code="empty-sample", hint="give at least one row")
        return sample

    @staticmethod
    def read(path: str | Path, *, without: str | None = None) -> Sample:
        """The sample in a file: CSV with a header, JSONL, or `.txt` with one text per line.

        `without` names a column that is not the model's to see. A file with one single text column left is a
        sample of texts.
        """
        from modelport.compile.readers import read

        return Sample.of_any(read(Path(path), without=without))

    def pick(self, names: Sequence[str]) -> Sample:
        """The sample with these columns in this order; itself where the rows have no names of their own."""
        wanted = tuple(names)
        if not wanted or not self.columns or self.positional or wanted == self.columns:
            return self
        if self.item == "vector":
            places = [self.columns.index(name) for name in wanted]
            matrix = np.ascontiguousarray(self.batch.array(VECTOR)[:, places])
            return replace(self, batch=Batch(len(self), {VECTOR: matrix}), columns=wanted)
        tensors = {name: self.batch[name] for name in wanted}
        known = {name: values for name, values in self.categories.items() if name in tensors}
        return replace(self, batch=Batch(len(self), tensors), columns=wanted, categories=known)

    def as_columns(self) -> Sample:
        """A table of numbers with names as the columns it was made of; itself where it is no such table."""
        if self.item != "vector" or not self.columns:
            return self
        matrix = self.batch.array(VECTOR)
        tensors = {name: matrix[:, place] for place, name in enumerate(self.columns)}
        return Sample("columns", Batch(len(self), tensors), self.columns)

    def frame(self, batch: Batch) -> Any:
        """The rows of `batch` as the pandas DataFrame a model was fitted on, categoricals restored."""
        import pandas as pd

        if self.item == "vector":
            return pd.DataFrame(batch.array(VECTOR), columns=list(self.columns) or None)
        table: dict[str, Any] = {name: batch.array(name) for name in self.columns}
        for name, categories in self.categories.items():
            table[name] = pd.Categorical(table[name], categories=list(categories))
        return pd.DataFrame(table)


def _of(data: Any) -> Sample:
    if hasattr(data, "to_frame") and hasattr(data, "dtype"):  # a pandas Series
        return _of(data.to_numpy(dtype=object))
    if hasattr(data, "columns") and hasattr(data, "dtypes"):  # a pandas DataFrame
        return _of_frame(data)
    if hasattr(data, "toarray"):  # a scipy sparse matrix
        return _vector(data.toarray())
    if isinstance(data, Mapping):
        return _of_mapping(data)
    if isinstance(data, np.ndarray):
        return _of_array(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _of_rows(data)
    msg = f"a sample cannot be made of {type(data).__name__}"
    raise Unsupported(
        msg, code="unsupported-sample", hint="give an array, a DataFrame, a list of texts or a dict"
    )


def _of_mapping(data: Mapping[Any, Any]) -> Sample:
    if tensors.is_tensors(data):
        return _of_tensors(tensors.of_arrays(data))
    return _of_table({str(name): _cells(values) for name, values in data.items()})


def _of_tensors(batches: tuple[Batch, ...]) -> Sample:
    return Sample("tensors", batches[0], more=batches[1:])


def _of_rows(rows: Sequence[Any]) -> Sample:
    if rows and all(isinstance(row, str) for row in rows):
        return Sample("text", Batch(len(rows), {TEXT: objects(rows)}))
    if tensors.are_rows(rows):
        return _of_tensors(tensors.of_rows(rows))
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(str(name) for row in rows for name in row))
        return _of_table({name: [row.get(name) for row in rows] for name in names})
    try:
        return _of_array(np.asarray(rows))
    except ValueError:
        msg = "the rows of the sample differ in length"
        raise Unsupported(msg, code="unsupported-sample") from None


def _of_array(array: Array) -> Sample:
    if array.ndim == 1 and array.dtype.kind in "OU":
        return _of_texts(array.tolist())
    if array.ndim > 2 and array.dtype.kind in "iufb":
        return _of_tensors((Batch(len(array), {VECTOR: array}),))
    if array.ndim != 2:
        msg = f"a sample has rows and columns, this array has {array.ndim} dimension(s)"
        raise Unsupported(msg, code="unsupported-sample", hint="reshape it to [rows, columns]")
    if array.dtype.kind in "iufb":
        return _vector(array)
    table = {f"x{place}": array[:, place].tolist() for place in range(array.shape[1])}
    sample = _of_table(table)
    return Sample(sample.item, sample.batch, sample.columns, positional=True)


def _of_texts(values: Sequence[Any]) -> Sample:
    if not all(isinstance(value, str) for value in values):
        msg = "a list of texts holds something that is not text"
        raise Unsupported(msg, code="unsupported-sample")
    return Sample("text", Batch(len(values), {TEXT: objects(values)}))


def _of_frame(frame: Any) -> Sample:
    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        msg = "two columns of the sample have the same name"
        raise Unsupported(msg, code="unsupported-sample")
    series = dict(zip(names, (frame.iloc[:, place] for place in range(len(names))), strict=True))
    categories = {
        name: tuple(values.cat.categories.tolist())
        for name, values in series.items()
        if hasattr(values, "cat")
    }
    return _of_table({name: _cells(values) for name, values in series.items()}, categories)


def _cells(values: Any) -> Sequence[Any]:
    if hasattr(values, "to_numpy"):
        # Through object, so that pandas' own integers keep their missing cells apart from zero.
        return list(values.to_numpy(dtype=object))
    return list(values)


def _of_table(
    table: Mapping[str, Sequence[Any]], categories: Mapping[str, tuple[Label, ...]] | None = None
) -> Sample:
    arrays = {name: column(name, values) for name, values in table.items()}
    rows = {len(array) for array in arrays.values()}
    if len(rows) != 1:
        msg = "the columns of the sample differ in length, or there are none"
        raise Unsupported(msg, code="unsupported-sample")
    if not categories and all(array.dtype.kind in "if" for array in arrays.values()):
        return _vector(np.column_stack(list(arrays.values())), tuple(arrays))
    return Sample("columns", Batch(rows.pop(), arrays), tuple(arrays), categories or {})


def _vector(array: Array, columns: tuple[str, ...] = ()) -> Sample:
    return Sample("vector", Batch(len(array), {VECTOR: np.ascontiguousarray(array, np.float64)}), columns)
