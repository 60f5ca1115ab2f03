"""How a sample goes into a graph: what one item is, and which tensor of it each input takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from modelport.compile.sample import TEXT, VECTOR, Sample
from modelport.core.signature import Field
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.dtypes import conform


@dataclass(frozen=True, slots=True)
class Doors:
    """The inputs of a graph.

    Attributes:
        sample: rows in the bundle's own form.
        own: the graph's inputs as it declares them.
        fields: the same inputs as callers see them, in the same order.
    """

    sample: Sample
    own: tuple[Field, ...]
    fields: tuple[Field, ...]

    def names(self) -> dict[str, str]:
        """The public name of every input, by its own."""
        return {own.name: field.name for own, field in zip(self.own, self.fields, strict=True)}

    def arrays(self, batch: Batch) -> dict[str, Array]:
        """The tensors of a batch by the graph's own names, in its dtypes and ranks."""
        rows = conform(batch, self.fields)
        return {
            own.name: _lifted(rows.array(field.name), own)
            for own, field in zip(self.own, self.fields, strict=True)
        }


def doors(own: tuple[Field, ...], data: Any) -> Doors:
    """How `data` (whatever `Sample.of` takes, or a dict of arrays by input name) goes into a graph.

    One input `[N, k]` of numbers takes rows of numbers, one of text takes texts; inputs of one cell per row
    take the columns of a table; any other graph takes tensors by the names of its inputs. Raises
    `Unsupported` (`sample-mismatch`).
    """
    if isinstance(data, np.ndarray) and data.ndim > 2:
        data = {VECTOR: data}
    if _is_matrix(own, data):
        return _vector(own, Sample.of(data))
    if _is_tensors(own, data):
        return _tensors(own, data)
    if all(_is_cell(field) for field in own):
        return _cells(own, Sample.of(data))
    if len(own) == 1 and not isinstance(data, Mapping):
        return _tensors(own, {own[0].name: _alone(Sample.of(data))})
    raise _mismatch(own)


def _is_matrix(own: Sequence[Field], data: Any) -> bool:
    if len(own) > 1 or len(own[0].shape) != 2 or own[0].dtype in {"BYTES", "BOOL"}:
        return False
    whole = own[0].dtype not in {"FP32", "FP64"}
    return not (whole and isinstance(data, Mapping)) and not _holds_tensors(data)


def _is_tensors(own: Sequence[Field], data: Any) -> bool:
    """Whether it brings an array of the right rank for every input."""
    if _holds_tensors(data):
        return True
    if not isinstance(data, Mapping):
        return False
    if len(own) == len(data) == 1:
        return all(np.ndim(values) == len(own[0].shape) for values in data.values())
    same = set(data) == {field.name for field in own}
    return same and all(np.ndim(data[field.name]) == len(field.shape) for field in own)


def _holds_tensors(data: Any) -> bool:
    return isinstance(data, Sample) and data.item == "tensors"


def _is_cell(field: Field) -> bool:
    return field.shape in {(-1,), (-1, 1), (-1, -1)}


def _vector(own: tuple[Field, ...], sample: Sample) -> Doors:
    first = own[0]
    width = sample.batch.array(VECTOR).shape[1] if sample.item == "vector" else 0
    if not width or first.shape[1] not in {-1, width}:
        msg = f"the graph takes rows of {first.shape[1]} numbers, the sample has {width or sample.item}"
        raise Unsupported(msg, code="sample-mismatch")
    values = sample.batch.array(VECTOR)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    field = Field(VECTOR, first.dtype, (-1, width), sample.columns, minimum=low, maximum=high)
    return Doors(sample, own, (field,))


def _cells(own: tuple[Field, ...], sample: Sample) -> Doors:
    """One cell per row and input: a column each, or the one text."""
    if sample.item == "text" and len(own) == 1 and own[0].dtype == "BYTES":
        return Doors(sample, own, (Field(TEXT, "BYTES", (-1,)),))
    table = sample.as_columns()
    absent = [field.name for field in own if field.name not in table.columns]
    if absent:
        msg = f"the sample has no column {absent[0]!r}"
        raise Unsupported(msg, code="sample-mismatch", hint=f"the graph takes {_told(own)}")
    fields = tuple(_cell(table, field) for field in own)
    return Doors(table.pick([field.name for field in fields]), own, fields)


def _cell(table: Sample, field: Field) -> Field:
    values = table.batch.array(field.name)
    if (values.dtype.kind == "O") != (field.dtype == "BYTES"):
        held = "texts" if values.dtype.kind == "O" else "numbers"
        msg = f"the column {field.name!r} holds {held}, the graph takes {field.dtype}"
        raise Unsupported(msg, code="sample-mismatch", hint="give the column as the model was trained on it")
    if values.dtype.kind == "O":
        _require_present(field.name, values)
        return Field(field.name, "BYTES", (-1,))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return Field(field.name, field.dtype, (-1,), minimum=low, maximum=high)


def _require_present(name: str, values: Array) -> None:
    if any(value is None for value in values):
        msg = f"the column {name!r} of the sample has absent cells, and a graph knows no absent text"
        raise Unsupported(msg, code="sample-mismatch", hint="give them the text that callers will send")


def _tensors(own: tuple[Field, ...], data: Any) -> Doors:
    given = data.batch.tensors if isinstance(data, Sample) else data
    names = _named(own, tuple(given))
    arrays = {name: np.asarray(given[name]) for name in names}
    rows = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(rows) != 1 or not max(rows):
        msg = "the arrays of the sample differ in their number of rows, or have none"
        raise Unsupported(msg, code="sample-mismatch")
    fields = tuple(_tensor(field, name, arrays[name].shape) for field, name in zip(own, names, strict=True))
    return Doors(Sample("tensors", Batch(rows.pop(), arrays)), own, fields)


def _named(own: Sequence[Field], given: tuple[str, ...]) -> tuple[str, ...]:
    """The sample's name of every input; one alone belongs to the one input, whatever it is called."""
    if len(own) == len(given) == 1:
        return given
    if {field.name for field in own} != set(given):
        raise _mismatch(own)
    return tuple(field.name for field in own)


def _tensor(own: Field, name: str, shape: tuple[int, ...]) -> Field:
    fits = len(own.shape) == len(shape) and all(
        size in {-1, given} for size, given in zip(own.shape[1:], shape[1:], strict=True)
    )
    if not fits:
        msg = f"the graph takes {own.name!r} of the shape {list(own.shape)}, the sample has {list(shape)}"
        raise Unsupported(msg, code="sample-mismatch", hint="-1 is a variable size; rows come first")
    return msgspec.structs.replace(own, name=name)


def _alone(sample: Sample) -> Array:
    if sample.item != "vector":
        msg = f"the graph takes one tensor, the sample holds {sample.item}"
        raise Unsupported(msg, code="sample-mismatch")
    return sample.batch.array(VECTOR)


def _lifted(values: Array, own: Field) -> Array:
    return values[:, None] if values.ndim + 1 == len(own.shape) else values


def _mismatch(own: Sequence[Field]) -> Unsupported:
    msg = f"the graph takes the tensors {', '.join(repr(field.name) for field in own)}"
    hint = "give the sample as a dict of arrays by these names"
    return Unsupported(msg, code="sample-mismatch", hint=hint)


def _told(own: Sequence[Field]) -> str:
    return ", ".join(f"{field.name!r} ({field.dtype})" for field in own)
