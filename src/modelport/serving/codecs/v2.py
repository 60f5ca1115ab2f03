"""Requests of the Open Inference Protocol V2, REST: JSON, JSON with binary tensors, or one raw tensor.

What kind a body is says the header `Inference-Header-Content-Length` alone; clients send any Content-Type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from modelport.core.signature import Field
from modelport.errors import BadRequest, InvalidInput
from modelport.runtimes.batch import Array, Batch, Tensor
from modelport.serving.codecs.json import check_keys, decode
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.tensors import NUMPY, check_finite, fit, from_bytes, from_json
from modelport.serving.results import all_finite

Scalar = str | int | float | bool
Parameters = dict[str, Scalar]
_NONE: Parameters = {}


class _Output(msgspec.Struct):
    name: str
    parameters: Parameters | UnsetType = UNSET


class _Input(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET


class _Request(msgspec.Struct):
    inputs: list[_Input]
    id: str | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET
    outputs: list[_Output] | UnsetType = UNSET


class _Numbers(msgspec.Struct, forbid_unknown_fields=True):
    """The input of a plain request: floats in a flat list."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    """What most requests are; any other field makes it an ordinary `_Request`."""

    inputs: list[_Numbers]
    id: str = ""


_REQUEST = msgspec.json.Decoder(_Request)
_PLAIN = msgspec.json.Decoder(_Plain)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output the caller asked for.

    Attributes:
        name: of a public output.
        binary: as bytes behind the JSON.
        classes: this many of its highest values, as strings; 0 sends the tensor itself.
    """

    name: str
    binary: bool = False
    classes: int = 0


@dataclass(frozen=True, slots=True)
class Inference:
    """A request that was understood.

    Attributes:
        batch: inputs as the model takes them, rules applied.
        wanted: outputs in the order asked for; None is all of them, in JSON.
        id: the caller's, to be repeated; "" is none.
        timeout: seconds, or 0 for none.
        notes: cleaning rules that changed a text.
    """

    batch: Batch
    wanted: tuple[Wanted, ...] | None = None
    id: str = ""
    timeout: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def binary(self) -> bool:
        """Whether bytes follow the JSON of the answer."""
        return self.wanted is not None and any(want.binary for want in self.wanted)


class Requests:
    """Reads the requests of one slot.

    Raises `BadRequest`; `InvalidInput` where a rule of the model refuses a value.
    """

    __slots__ = ("_fields", "_kind", "_one", "_outputs", "_ranges", "_rules", "_width")

    def __init__(self, inputs: Sequence[Field], outputs: Sequence[str], rules: Rules) -> None:
        self._fields = {field.name: field for field in inputs}
        self._outputs = tuple(outputs)
        self._rules = rules
        self._ranges = tuple(_ranges(inputs, rules))
        self._one = _plain_field(inputs) if not (self._ranges or rules.allow_nonfinite) else None
        self._width = self._one.shape[1] if self._one else 0
        self._kind = NUMPY[self._one.dtype] if self._one else np.dtype(np.float32)

    @np.errstate(over="ignore", invalid="ignore")  # what overflows is found, and refused, as not finite
    def decode(self, body: bytes, header_length: bytes | None) -> Inference:
        """The inference a body asks for; `header_length` is the header's value, None without the header."""
        if header_length is None:
            return self._plain(body) or self._ordinary(body, memoryview(b""), binary=False)
        length = _header_length(header_length, len(body))
        if length == 0:
            return self._raw(body)
        return self._ordinary(body[:length], memoryview(body)[length:], binary=True)

    def _plain(self, body: bytes) -> Inference | None:
        """One float input in a flat list and nothing else, or None: then the long way finds out what it is.

        The long way costs more than twice as much, and this one runs for every request of a busy server.
        """
        field = self._one
        if field is None:
            return None
        try:
            request = _PLAIN.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        inputs = request.inputs
        array = self._numbers(field, inputs[0]) if len(inputs) == 1 else None
        if array is None:
            return None
        keys = 6 if request.id else 5
        if body.count(b":") != keys:
            check_keys(body, keys)
        return Inference(Batch(len(array), {field.name: array}), None, request.id)

    def _numbers(self, field: Field, given: _Numbers) -> Array | None:
        """The array when nothing about it needs a second look."""
        shape = given.shape
        if given.name != field.name or given.datatype != field.dtype or len(shape) != 2:
            return None
        rows, width = shape
        if rows < 1 or width != self._width or rows * width != len(given.data):
            return None
        array = np.array(given.data, self._kind).reshape(rows, width)
        return array if all_finite(array) else None

    def _ordinary(self, head: bytes, tail: memoryview, *, binary: bool) -> Inference:
        request = decode(_REQUEST, head)
        check_keys(head, _keys(request))
        parameters = _known(request.parameters)
        arrays = self._arrays(request.inputs, tail, binary=binary)
        batch, notes = self._batch(arrays)
        return Inference(
            batch,
            self._wanted(request, binary=_flag(parameters, "binary_data_output", default=False)),
            "" if request.id is UNSET else request.id,
            _timeout(parameters),
            notes,
        )

    def _raw(self, body: bytes) -> Inference:
        """The whole body is the data of the model's only input, one row; the answer is binary."""
        if len(self._fields) != 1:
            msg = f"a raw binary request needs a model with one input, this one has {len(self._fields)}"
            raise BadRequest(msg, code="raw-request", hint="send JSON with Inference-Header-Content-Length")
        field = next(iter(self._fields.values()))
        array = _raw_text(body) if field.dtype == "BYTES" else _raw_numbers(field, body)
        batch, notes = self._batch({field.name: fit(field, field.dtype, array)})
        return Inference(batch, tuple(Wanted(name, binary=True) for name in self._outputs), notes=notes)

    def _arrays(self, inputs: list[_Input], tail: memoryview, *, binary: bool) -> dict[str, Array]:
        """The tensors by name, each of the dtype and shape of its field."""
        arrays: dict[str, Array] = {}
        for tensor in inputs:
            field = self._field(tensor.name, arrays)
            parameters = _known(tensor.parameters)
            if "binary_data_size" in parameters:
                data, tail = _cut(tensor, parameters["binary_data_size"], tail, binary=binary)
                array = from_bytes(tensor.name, tensor.datatype, tensor.shape, data)
            elif tensor.data is UNSET:
                msg = f"{tensor.name[:100]!r} brings no data"
                raise BadRequest(msg, code="no-data")
            else:
                array = from_json(tensor.name, tensor.datatype, tensor.shape, tensor.data)
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

    def _batch(self, arrays: dict[str, Array]) -> tuple[Batch, tuple[str, ...]]:
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
        if field.dtype == "BYTES":
            texts = self._texts(array, notes)
            if field.closed:
                _check_categories(field, texts)
            return texts
        if not self._rules.allow_nonfinite:
            check_finite(field.name, array, missing=field.missing)
        return array

    def _texts(self, array: Array, notes: dict[str, None]) -> Array:
        clean = np.empty(array.size, object)
        for index, text in enumerate(array.reshape(-1)):
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

    def _wanted(self, request: _Request, *, binary: bool) -> tuple[Wanted, ...] | None:
        if request.outputs is UNSET or not request.outputs:
            return tuple(Wanted(name, binary=True) for name in self._outputs) if binary else None
        wanted: dict[str, Wanted] = {}
        for output in request.outputs:
            if output.name in wanted:
                msg = f"the output {output.name!r} is asked for twice"
                raise BadRequest(msg, code="duplicate-output")
            if output.name not in self._outputs:
                msg = f"the model has no output {output.name[:100]!r}"
                raise BadRequest(msg, code="unknown-output", hint="outputs: " + ", ".join(self._outputs[:20]))
            wanted[output.name] = _one_wanted(output, binary=binary)
        return tuple(wanted.values())


def _check_categories(field: Field, texts: Array) -> None:
    known = frozenset(field.categories)
    for text in texts.reshape(-1):
        if text not in known:
            msg = f"{text[:100]!r} is not a category of {field.name!r}"
            raise InvalidInput(msg, code="unknown-category", pointer=f"/inputs/{field.name}")


def _plain_field(inputs: Sequence[Field]) -> Field | None:
    """The field of a model that takes rows of floats and nothing else."""
    if len(inputs) != 1:
        return None
    field = inputs[0]
    plain = field.dtype in {"FP32", "FP64"} and len(field.shape) == 2 and field.shape[1] > 0
    return field if plain else None


def _ranges(inputs: Sequence[Field], rules: Rules) -> Iterator[tuple[str, str, int | None]]:
    """Where each column with a range is: input, column, position in the last dimension or None."""
    for field in inputs:
        if field.name in rules.ranges and field.dtype != "BYTES":
            yield field.name, field.name, None
        for index, column in enumerate(field.columns):
            if column in rules.ranges:
                yield field.name, column, index


def _header_length(text: bytes, body: int) -> int:
    """Bytes of JSON before the tensors."""
    if not text.isdigit() or len(text) > 19 or int(text) > body:
        msg = "Inference-Header-Content-Length is not a number of bytes that the body has"
        raise BadRequest(msg, code="bad-header-length", hint="give the length of the JSON before the tensors")
    return int(text)


def _keys(request: _Request) -> int:
    """How many keys the document has as far as it was decoded; never more than it has."""
    count = (
        1 + (request.id is not UNSET) + (request.outputs is not UNSET) + _parameter_keys(request.parameters)
    )
    for tensor in request.inputs:
        count += 3 + (tensor.data is not UNSET) + _parameter_keys(tensor.parameters)
    if request.outputs is not UNSET:
        count += sum(1 + _parameter_keys(output.parameters) for output in request.outputs)
    return count


def _parameter_keys(parameters: Parameters | UnsetType) -> int:
    return 0 if parameters is UNSET else 1 + len(parameters)


def _known(parameters: Parameters | UnsetType) -> Parameters:
    """The parameters, when none of them asks for what is not done here."""
    if parameters is UNSET:
        return _NONE
    for name in parameters:
        if name.startswith(("sequence_", "shared_memory_", "triton_")):
            msg = f"the parameter {name[:100]!r} is not served here"
            raise BadRequest(msg, code="unsupported-parameter", hint="GET /v2 lists the extensions")
    return parameters


def _flag(parameters: Parameters, name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if isinstance(value, bool):
        return value
    msg = f"the parameter {name!r} is not true or false"
    raise BadRequest(msg, code="bad-parameter")


def _count(parameters: Parameters, name: str) -> int:
    value = parameters.get(name, 0)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    msg = f"the parameter {name!r} is not a whole number from 0"
    raise BadRequest(msg, code="bad-parameter")


def _timeout(parameters: Parameters) -> float:
    """Seconds; the protocol's parameter counts microseconds."""
    return _count(parameters, "timeout") / 1e6


def _one_wanted(output: _Output, *, binary: bool) -> Wanted:
    parameters = _known(output.parameters)
    return Wanted(
        output.name, _flag(parameters, "binary_data", default=binary), _count(parameters, "classification")
    )


def _cut(tensor: _Input, size: Scalar, tail: memoryview, *, binary: bool) -> tuple[memoryview, memoryview]:
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


def _raw_text(body: bytes) -> Array:
    """One text, without a length before it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        msg = "the raw body is not UTF-8"
        raise BadRequest(msg, code="not-utf8") from None
    array = np.empty(1, object)
    array[0] = text
    return array


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
