"""The tensors of a V2 request as the batch a model takes: complete, of its dtypes and shapes, rules kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from modelport.core.signature import Field
from modelport.errors import BadRequest, InvalidInput
from modelport.runtimes.batch import Array, Batch, Tensor
from modelport.serving.codecs.pictures import of_tensor
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.tensors import NUMPY, check_finite, fit, from_bytes
from modelport.serving.codecs.v2_json import from_json
from modelport.serving.codecs.v2_wire import Input, Scalar, known

Notes = tuple[str, ...]


class Inputs:
    """Reads the tensors of one slot's requests.

    Raises `BadRequest`; `InvalidInput` where a rule of the model refuses a value.
    """

    __slots__ = ("_fields", "_pictures", "_ranges", "_rules")

    def __init__(self, fields: Sequence[Field], rules: Rules, *, pictures: bool = False) -> None:
        self._fields = {field.name: field for field in fields}
        self._rules = rules
        self._pictures = pictures
        self._ranges = tuple(_ranges(fields, rules))

    @property
    def ruled(self) -> bool:
        """Whether numbers are held to anything but being finite."""
        return bool(self._ranges) or self._rules.allow_nonfinite

    def batch(self, inputs: list[Input], tail: memoryview, *, binary: bool) -> tuple[Batch, Notes]:
        """The batch, and the rules that cleaned a text.

        `tail` holds the binary tensors; `binary` says whether there may be any.
        """
        return self._checked(self._arrays(inputs, tail, binary=binary))

    def raw(self, body: bytes) -> tuple[Batch, Notes]:
        """The batch of one row whose only input is the whole body."""
        if len(self._fields) != 1:
            msg = f"a raw binary request needs a model with one input, this one has {len(self._fields)}"
            raise BadRequest(msg, code="raw-request", hint="send JSON with Inference-Header-Content-Length")
        field = next(iter(self._fields.values()))
        array = self._raw_element(body) if field.dtype == "BYTES" else _raw_numbers(field, body)
        return self._checked({field.name: fit(field, field.dtype, array)})

    def _raw_element(self, body: bytes) -> Array:
        """One picture, or one text, without a length before it."""
        array = np.empty(1, object)
        try:
            array[0] = body if self._pictures else body.decode()
        except UnicodeDecodeError:
            msg = "the raw body is not UTF-8"
            raise BadRequest(msg, code="not-utf8") from None
        return array

    def _arrays(self, inputs: list[Input], tail: memoryview, *, binary: bool) -> dict[str, Array]:
        """The tensors by name, each of the dtype and shape of its field."""
        arrays: dict[str, Array] = {}
        for tensor in inputs:
            field = self._field(tensor.name, arrays)
            parameters = known(tensor.parameters)
            if "binary_data_size" in parameters:
                data, tail = _cut(tensor, parameters["binary_data_size"], tail, binary=binary)
                array = from_bytes(tensor.name, tensor.datatype, tensor.shape, data, text=not self._pictures)
            elif tensor.data is UNSET:
                msg = f"{tensor.name[:100]!r} brings no data"
                raise BadRequest(msg, code="no-data")
            else:
                array = from_json(
                    tensor.name, tensor.datatype, tensor.shape, tensor.data, missing=field.missing
                )
            arrays[tensor.name] = fit(field, tensor.datatype, array)
        if len(tail):
            msg = f"{len(tail)} unexpected bytes behind the last input"
            raise BadRequest(msg, code="binary-size", hint="binary_data_size of all inputs must sum to them")
        return arrays

    def _field(self, name: str, before: dict[str, Array]) -> Field:
        if name in before:
            msg = f"the input {name!r} is there twice"
            raise BadRequest(msg, code="duplicate-input")
        field = self._fields.get(name)
        if field is None:
            msg = f"the model has no input {name[:100]!r}"
            raise BadRequest(msg, code="unknown-input", hint="inputs: " + ", ".join(list(self._fields)[:20]))
        return field

    def _checked(self, arrays: dict[str, Array]) -> tuple[Batch, Notes]:
        """The batch, when the tensors are complete, agree in rows and keep the model's rules."""
        missing = [name for name in self._fields if name not in arrays]
        if missing:
            msg = f"the input {missing[0]!r} is missing"
            raise BadRequest(msg, code="missing-input", hint="GET the model's metadata for its inputs")
        rows = _rows(arrays)
        notes: dict[str, None] = {}
        tensors: dict[str, Tensor] = {}
        for name, field in self._fields.items():
            tensors[name] = self._clean(field, arrays[name], notes)
        self._check_ranges(arrays)
        return Batch(rows, tensors), tuple(notes)

    def _clean(self, field: Field, array: Array, notes: dict[str, None]) -> Array:
        if self._pictures:
            return of_tensor(array)
        if field.dtype == "BYTES":
            texts = self._texts(array, notes)
            if field.closed:
                _check_categories(field, texts)
            return texts
        if not self._rules.allow_nonfinite:
            check_finite(field.name, array, missing=field.missing)
        return array

    def _texts(self, array: Array, notes: dict[str, None]) -> Array:
        """The texts, cleaned; None is a missing one."""
        clean = np.empty(array.size, object)
        for index, text in enumerate(array.reshape(-1)):
            if text is not None:
                clean[index], done = self._rules.text(text)
                notes.update(dict.fromkeys(done))
        return clean.reshape(array.shape)

    def _check_ranges(self, arrays: dict[str, Array]) -> None:
        for name, column, index in self._ranges:
            values = arrays[name] if index is None else arrays[name][..., index]
            row = self._rules.outside(column, values.reshape(len(values), -1)[:, 0])
            if row is not None:
                msg = f"{column!r} of row {row} is outside the range the model accepts"
                raise InvalidInput(msg, code="out-of-range", pointer=f"/inputs/{name}")


def _check_categories(field: Field, texts: Array) -> None:
    known_ones = frozenset(field.categories)
    for text in texts.reshape(-1):
        if text is not None and text not in known_ones:
            msg = f"{text[:100]!r} is not a category of {field.name!r}"
            raise InvalidInput(msg, code="unknown-category", pointer=f"/inputs/{field.name}")


def _ranges(inputs: Sequence[Field], rules: Rules) -> Iterator[tuple[str, str, int | None]]:
    """Where each column with a range is: input, column, position in the last dimension or None."""
    for field in inputs:
        if field.name in rules.ranges and field.dtype != "BYTES":
            yield field.name, field.name, None
        for index, column in enumerate(field.columns):
            if column in rules.ranges:
                yield field.name, column, index


def _cut(tensor: Input, size: Scalar, tail: memoryview, *, binary: bool) -> tuple[memoryview, memoryview]:
    """The bytes of a binary tensor, and what is left behind them."""
    if not binary:
        msg = f"{tensor.name!r} is binary, but Inference-Header-Content-Length is missing"
        raise BadRequest(msg, code="no-header-length", hint="send the length of the JSON in that header")
    if tensor.data is not UNSET:
        msg = f"{tensor.name!r} brings data and binary_data_size"
        raise BadRequest(msg, code="data-twice")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(tail):
        msg = f"binary_data_size of {tensor.name!r} is not a number of bytes that the body has"
        raise BadRequest(msg, code="binary-size")
    return tail[:size], tail[size:]


def _rows(arrays: dict[str, Array]) -> int:
    counts = {name: len(array) for name, array in arrays.items()}
    rows = next(iter(counts.values()))
    for name, count in counts.items():
        if count != rows:
            msg = f"{name!r} has {count} rows, {next(iter(counts))!r} has {rows}"
            raise BadRequest(msg, code="row-mismatch", hint="every input needs the same number of rows")
    if rows == 0:
        msg = "the request has no rows"
        raise BadRequest(msg, code="no-rows", hint="send at least one row")
    return rows


def _raw_numbers(field: Field, body: bytes) -> Array:
    """One row; a single variable size beyond the rows takes what the bytes hold."""
    shape = [1, *field.shape[1:]]
    if shape.count(-1) == 1:
        fixed = NUMPY[field.dtype].itemsize
        for size in shape:
            fixed *= size if size > 0 else 1
        shape[shape.index(-1)] = len(body) // fixed
    shape = [1 if size == -1 else size for size in shape]
    return from_bytes(field.name, field.dtype, shape, memoryview(body))
