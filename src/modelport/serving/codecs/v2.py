"""Requests of the Open Inference Protocol V2, REST: JSON, JSON with binary tensors, or one raw tensor.

What kind a body is says the header `Inference-Header-Content-Length` alone; clients send any Content-Type.
What a document may hold is in `v2_wire`, how its tensors become a batch in `v2_inputs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import UNSET

from modelport.core.signature import Field
from modelport.errors import BadRequest
from modelport.runtimes.batch import Array, Batch
from modelport.serving.codecs.json import check_keys, decode
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.tensors import NUMPY
from modelport.serving.codecs.v2_inputs import Inputs
from modelport.serving.codecs.v2_wire import (
    PLAIN,
    REQUEST,
    Numbers,
    Output,
    Request,
    count,
    flag,
    header_length,
    keys,
    known,
    timeout,
)
from modelport.serving.results import all_finite


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


class Inference(msgspec.Struct, frozen=True, eq=False):
    """A request that was understood.

    Attributes:
        batch: inputs as the model takes them, rules applied.
        wanted: outputs in the order asked for; None is all of them, in JSON.
        id: the caller's, to be repeated; "" is none.
        timeout: seconds, or 0 for none.
        notes: cleaning rules that changed a text.
        cut: rows whose text was shortened to the tokens that the model's owner allows.
    """

    batch: Batch
    wanted: tuple[Wanted, ...] | None = None
    id: str = ""
    timeout: float = 0.0
    notes: tuple[str, ...] = ()
    cut: frozenset[int] = frozenset()

    @property
    def binary(self) -> bool:
        """Whether bytes follow the JSON of the answer."""
        return self.wanted is not None and any(want.binary for want in self.wanted)


class Requests:
    """Reads the requests of one slot.

    Raises `BadRequest`; `InvalidInput` where a rule of the model refuses a value.
    """

    __slots__ = ("_inputs", "_kind", "_one", "_outputs", "_width", "_zeros")

    def __init__(
        self, inputs: Sequence[Field], outputs: Sequence[str], rules: Rules, *, pictures: bool = False
    ) -> None:
        self._inputs = Inputs(inputs, rules, pictures=pictures)
        self._outputs = tuple(outputs)
        self._one = None if self._inputs.ruled else _plain_field(inputs)
        self._width = self._one.shape[1] if self._one else 0
        self._kind = NUMPY[self._one.dtype] if self._one else np.dtype(np.float32)
        self._zeros = np.zeros(self._width, self._kind)  # as in `all_finite`

    def decode(self, body: bytes, length: bytes | None) -> Inference:
        """The inference a body asks for; `length` is the header's value, None without the header.

        A number too large for its dtype is refused, after numpy has warned; a server has these warnings off.
        """
        if length is None:
            return self._plain(body) or self._ordinary(body, memoryview(b""), binary=False)
        head = header_length(length, len(body))
        if head == 0:
            return self._raw(body)
        return self._ordinary(body[:head], memoryview(body)[head:], binary=True)

    def _plain(self, body: bytes) -> Inference | None:
        """One float input in a flat list and nothing else, or None: then the long way finds out what it is.

        The long way costs more than twice as much, and this one runs for every request of a busy server.
        """
        field = self._one
        if field is None:
            return None
        try:
            request = PLAIN.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        inputs = request.inputs
        array = self._numbers(field, inputs[0]) if len(inputs) == 1 else None
        if array is None:
            return None
        there = 6 if request.id else 5
        if body.count(b":") != there:
            check_keys(body, there)
        return Inference(Batch(len(array), {field.name: array}), None, request.id)

    def _numbers(self, field: Field, given: Numbers) -> Array | None:
        """The array when nothing about it needs a second look."""
        shape = given.shape
        if given.name != field.name or given.datatype != field.dtype or len(shape) != 2:
            return None
        rows, width = shape
        if rows < 1 or width != self._width or rows * width != len(given.data):
            return None
        array = np.array(given.data, self._kind)
        if rows == 1:
            return array.reshape(1, width) if array.dot(self._zeros) == 0 else None
        return array.reshape(rows, width) if all_finite(array) else None

    def _ordinary(self, head: bytes, tail: memoryview, *, binary: bool) -> Inference:
        request = decode(REQUEST, head)
        check_keys(head, keys(request))
        parameters = known(request.parameters)
        batch, notes = self._inputs.batch(request.inputs, tail, binary=binary)
        return Inference(
            batch,
            self._wanted(request, binary=flag(parameters, "binary_data_output", default=False)),
            "" if request.id is UNSET else request.id,
            timeout(parameters),
            notes,
        )

    def _raw(self, body: bytes) -> Inference:
        """The whole body is the data of the model's only input, one row; the answer is binary."""
        batch, notes = self._inputs.raw(body)
        return Inference(batch, tuple(Wanted(name, binary=True) for name in self._outputs), notes=notes)

    def _wanted(self, request: Request, *, binary: bool) -> tuple[Wanted, ...] | None:
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


def _plain_field(inputs: Sequence[Field]) -> Field | None:
    """The field of a model that takes rows of floats and nothing else."""
    if len(inputs) != 1:
        return None
    field = inputs[0]
    plain = field.dtype in {"FP32", "FP64"} and len(field.shape) == 2 and field.shape[1] > 0
    return field if plain else None


def _one_wanted(output: Output, *, binary: bool) -> Wanted:
    parameters = known(output.parameters)
    return Wanted(
        output.name, flag(parameters, "binary_data", default=binary), count(parameters, "classification")
    )
