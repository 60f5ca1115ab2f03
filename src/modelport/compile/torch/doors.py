"""What goes into a module: the sample's tensors, put to its inputs, in dtypes it takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelport.compile.sample import VECTOR, Sample
from modelport.compile.torch.modules import Callee
from modelport.core.signature import DType, Field
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.dtypes import NUMPY

DTYPES: Mapping[str, DType] = {
    "bool": "BOOL", "uint8": "UINT8", "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64",
    "float16": "FP16", "float32": "FP32", "float64": "FP64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Doors:
    """The inputs of a module.

    Attributes:
        sample: rows in the bundle's own form; one tensor per field.
        fields: what callers see, in the order in which the module takes them.
        names: the module's own names of them.
    """

    sample: Sample
    fields: tuple[Field, ...]
    names: tuple[str, ...]

    def arrays(self, batch: Batch) -> tuple[Array, ...]:
        """The tensors of a batch, in the module's order and dtypes."""
        with np.errstate(over="ignore", invalid="ignore"):
            return tuple(
                np.ascontiguousarray(batch.array(field.name), NUMPY[field.dtype]) for field in self.fields
            )

    def variable(self) -> tuple[tuple[int, ...], ...]:
        """Per field, its dimensions of variable size; the rows are always one."""
        return tuple(
            tuple(place for place, size in enumerate(field.shape) if size == -1) for field in self.fields
        )


def doors(called: Callee, data: Any) -> Doors:
    """How the sample goes into the module.

    A module with one input takes a table of numbers (`vector`) or one array; one with several takes tensors
    or columns by the names of forward's parameters. Raises `Unsupported` (`sample-mismatch`) when they do
    not fit.
    """
    sample = Sample.of_any(data)
    if sample.item == "text":
        msg = "the sample holds texts, and a torch module takes tensors"
        hint = "give token ids; a folder of transformers with its tokenizer is packed with texts"
        raise Unsupported(msg, code="sample-mismatch", hint=hint)
    if len(sample) < 2:
        msg = "a sample of one row cannot show that rows do not depend on each other"
        raise Unsupported(msg, code="sample-mismatch", hint="give at least two different rows")
    if sample.item == "vector":
        return _of_vector(called, sample)
    return _of_named(called, sample)


def _of_vector(called: Callee, sample: Sample) -> Doors:
    wanted = _wanted(called, 1)
    if len(wanted) == 1:
        field = _vector_field(called, sample, wanted[0])
        return Doors(sample, (field,), wanted)
    columns = _columns_of(sample)
    if set(wanted) <= set(columns.columns):
        return _of_named(called, columns)
    raise _mismatch(called, sample.columns or (VECTOR,))


def _columns_of(sample: Sample) -> Sample:
    """A table of numbers as the columns it was made of."""
    matrix = sample.batch.array(VECTOR)
    tensors = {name: matrix[:, place] for place, name in enumerate(sample.columns)}
    return Sample("columns", Batch(len(sample), tensors), sample.columns)


def _vector_field(called: Callee, sample: Sample, name: str) -> Field:
    matrix = sample.batch.array(VECTOR)
    finite = matrix[np.isfinite(matrix)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    floats = _name_of(called.floats)
    whole = bool(finite.size == matrix.size and (matrix == np.trunc(matrix)).all())
    kinds = (floats, "int64", "int32") if whole else (floats,)
    kind = next((each for each in kinds if _takes(called, name, matrix[:2].astype(each))), floats)
    shape = (-1, matrix.shape[1])
    return Field(VECTOR, DTYPES[kind], shape, sample.columns, minimum=low, maximum=high)


def _takes(called: Callee, name: str, rows: Array) -> bool:
    """Whether the module answers rows of this dtype: an embedding takes no floats, a layer no integers."""
    import torch

    with torch.no_grad():
        try:
            called.call((name,), (torch.from_numpy(np.ascontiguousarray(rows)),))
        except Exception:  # noqa: BLE001 (whatever a module raises, it means: not in this dtype)
            return False
    return True


def _of_named(called: Callee, sample: Sample) -> Doors:
    if any(sample.batch.array(name).dtype.kind not in "biuf" for name in sample.batch.tensors):
        msg = "a column of the sample holds texts, and a torch module takes numbers"
        raise Unsupported(msg, code="sample-mismatch", hint="encode the texts as numbers before")
    given = tuple(sample.batch.tensors)
    names = _matched(called, given)
    if names is None:
        raise _mismatch(called, given)
    own = dict(zip(given, _own_names(called, given), strict=True))
    public = {mine: name for name, mine in own.items()}
    fields = tuple(_field(called, sample, public[name]) for name in names)
    return Doors(_only(sample, fields), fields, names)


def _own_names(called: Callee, given: Sequence[str]) -> tuple[str, ...]:
    """The module's names of the tensors: one alone belongs to the first input, whatever it is called."""
    if len(given) == 1 and given[0] not in called.inputs and called.inputs:
        return called.inputs[:1]
    return tuple(given)


def _matched(called: Callee, given: Sequence[str]) -> tuple[str, ...] | None:
    """The module's inputs that are given, in its order; None when they do not fit."""
    if called.anything:
        return tuple(given)
    own = _own_names(called, given)
    names = tuple(name for name in called.inputs if name in own)
    complete = set(called.inputs[: called.required]) <= set(names)
    return names if complete and len(names) == len(own) else None


def _wanted(called: Callee, count: int) -> tuple[str, ...]:
    """The inputs that a sample of `count` tensors without names stands for."""
    if called.anything:
        return (VECTOR,)
    return called.inputs[: max(count, called.required)]


def _field(called: Callee, sample: Sample, name: str) -> Field:
    array = sample.batch.array(name)
    kind = _name_of(called.floats) if array.dtype.kind == "f" else str(array.dtype)
    if kind not in DTYPES:
        kind = "int64"
    sizes = {batch.array(name).shape[1:] for batch in (sample.batch, *sample.more)}
    if len({len(each) for each in sizes}) > 1:
        msg = f"{name!r} has a different number of dimensions in different rows"
        raise Unsupported(msg, code="sample-mismatch")
    rest = tuple(each[0] if len(set(each)) == 1 else -1 for each in zip(*sizes, strict=True))
    return Field(name, DTYPES[kind], (-1, *rest))


def _only(sample: Sample, fields: Sequence[Field]) -> Sample:
    """The sample with the tensors of `fields` alone, in their order."""
    names = [field.name for field in fields]
    return replace(
        sample,
        batch=_picked(sample.batch, names),
        more=tuple(_picked(batch, names) for batch in sample.more),
        columns=tuple(names) if sample.item == "columns" else (),
    )


def _picked(batch: Batch, names: Sequence[str]) -> Batch:
    return Batch(batch.rows, {name: batch[name] for name in names})


def _name_of(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _mismatch(called: Callee, given: Sequence[str]) -> Unsupported:
    takes = ", ".join(called.inputs) or str(inspect.signature(called.module.forward))
    msg = f"the module takes {takes}; the sample has {', '.join(given)}"
    hint = "give a dict of arrays by the names of forward's parameters"
    return Unsupported(msg, code="sample-mismatch", hint=hint)
