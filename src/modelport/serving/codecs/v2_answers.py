"""Answers of the Open Inference Protocol V2, REST: JSON, or JSON with binary tensors behind it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec

from modelport.core.signature import Field
from modelport.errors import BadRequest, ModelFailed
from modelport.serving.codecs.tensors import to_bytes
from modelport.serving.codecs.v2 import Inference, Wanted
from modelport.serving.results import Results

_encode = msgspec.json.Encoder().encode


class _Output:
    """An output as it is written: everything that no request changes, as bytes."""

    __slots__ = ("dtype", "fixed", "middle", "name", "rank", "start", "text")

    def __init__(self, field: Field) -> None:
        self.name = field.name
        self.dtype: str = field.dtype
        self.rank = len(field.shape)
        self.text = field.dtype == "BYTES"
        self.fixed = self.rank in {1, 2} and all(size > 0 for size in field.shape[1:])
        self.start = (
            b'{"name":' + _encode(field.name) + b',"datatype":"' + field.dtype.encode() + b'","shape":['
        )
        self.middle = b"".join(b",%d" % size for size in field.shape[1:]) + b'],"data":'


class Answers:
    """Writes the answers of one slot.

    Args:
        model, version: who answers.
        outputs: fields as callers see them (`results.Meaning.outputs`).
        labels: meaning of the positions of a row of probabilities or scores; may be empty.
    """

    __slots__ = ("_head", "_labels", "_outputs", "_sequence")

    def __init__(
        self, model: str, version: int, outputs: Sequence[Field], labels: Sequence[Any] = ()
    ) -> None:
        self._head = b'{"model_name":' + _encode(model) + b',"model_version":"%d",' % version
        self._sequence = tuple(_Output(field) for field in outputs)
        self._outputs = {output.name: output for output in self._sequence}
        self._labels = tuple(labels)

    def json(self, results: Results, start: int, prediction: str, inference: Inference) -> bytes:
        """All outputs of the rows from `start` on, in JSON; numbers that are not finite are null."""
        rows = inference.batch.rows
        tensors = [_tensor(output, results.tensor(output.name), start, rows) for output in self._sequence]
        cut = inference.cut | results.cut(start, rows)
        return self._opening(prediction, inference, cut) + b",".join(tensors) + b"]}"

    def selected(
        self, results: Results, start: int, prediction: str, inference: Inference
    ) -> tuple[bytes, bytes]:
        """The JSON with the outputs wanted, and the bytes that follow it.

        Raises:
            BadRequest: an output cannot be classified, or is no text.
            ModelFailed: rows of an output differ in length, which no tensor can hold.
        """
        rows = inference.batch.rows
        stop = start + rows
        parts = [self._one(want, results.tensor(want.name)[start:stop]) for want in inference.wanted or ()]
        head = b",".join(head for head, _ in parts)
        opening = self._opening(prediction, inference, inference.cut | results.cut(start, rows))
        return opening + head + b"]}", b"".join(tail for _, tail in parts)

    def _opening(self, prediction: str, inference: Inference, cut: frozenset[int]) -> bytes:
        """Up to the bracket of `outputs`. A parameter is one value, so the rows that were cut are a text."""
        caller = b'"id":' + _encode(inference.id) + b"," if inference.id else b""
        more = b',"notes":' + _encode(",".join(inference.notes)) if inference.notes else b""
        if cut:
            more += b',"truncated":true,"truncated_rows":"%b"' % b",".join(b"%d" % row for row in sorted(cut))
        return b'%b%b"parameters":{"prediction_id":"%b"%b},"outputs":[' % (
            self._head, caller, prediction.encode(), more,
        )  # fmt: skip

    def _one(self, want: Wanted, values: list[Any]) -> tuple[bytes, bytes]:
        output = self._outputs[want.name]
        dtype = output.dtype
        if want.classes:
            values = classified(output.name, values, want.classes, self._labels)
            dtype = "BYTES"
        shape, flat = flatten(output.name, values)
        if not want.binary:
            return _rendered(output.name, dtype, shape, b'"data":' + _encode(_texts(flat, dtype))), b""
        tail = to_bytes(flat, dtype)
        size = b'"parameters":{"binary_data_size":%d}' % len(tail)
        return _rendered(output.name, dtype, shape, size), tail


def classified(name: str, values: list[Any], count: int, labels: Sequence[Any]) -> list[list[str]]:
    """The `count` highest values of each row as `value:index` or `value:index:label`, highest first.

    Raises:
        BadRequest: the output is not a list of numbers per row.
    """
    rows = [row if isinstance(row, list) else [row] for row in values]
    if any(isinstance(value, str | bytes | bool | list) for row in rows for value in row):
        msg = f"the output {name!r} cannot be classified"
        raise BadRequest(
            msg, code="not-classifiable", hint="ask for classification of probabilities or scores"
        )
    return [_top(row, count, labels if len(labels) == len(row) else ()) for row in rows]


def flatten(name: str, values: list[Any]) -> tuple[list[int], list[Any]]:
    """Shape and row-major elements of nested lists; raises `ModelFailed` when rows differ in length."""
    shape, flat = [len(values)], values
    while flat and isinstance(flat[0], list):
        size = len(flat[0])
        if any(len(row) != size for row in flat):
            msg = f"rows of the output {name!r} differ in length, which this protocol cannot express"
            raise ModelFailed(msg, code="ragged-output", hint="POST /v1/models/<model>/predict carries them")
        shape.append(size)
        flat = list(chain.from_iterable(flat))
    return shape, flat


def _tensor(output: _Output, values: list[Any], start: int, rows: int) -> bytes:
    """One output in JSON."""
    if not output.fixed:
        shape, flat = flatten(output.name, values[start : start + rows])
        data = b'"data":' + _encode(_texts(flat, output.dtype))
        return _rendered(output.name, output.dtype, shape, data)
    if output.rank == 1:
        flat = values if len(values) == rows else values[start : start + rows]
    elif rows == 1:
        flat = values[start]
    else:
        flat = list(chain.from_iterable(values[start : start + rows]))
    if output.text:
        flat = _texts(flat, "BYTES")
    return b"%b%d%b%b}" % (output.start, rows, output.middle, _encode(flat))


def _rendered(name: str, dtype: str, shape: list[int], rest: bytes) -> bytes:
    return b'{"name":%b,"datatype":"%b","shape":%b,%b}' % (
        _encode(name),
        dtype.encode(),
        _encode(shape),
        rest,
    )


def _texts(values: list[Any], dtype: str) -> list[Any]:
    """Elements of a BYTES output as strings; others as they are."""
    if dtype != "BYTES":
        return values
    return [value if type(value) is str else _text(value) for value in values]


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        msg = "an output holds bytes that are not UTF-8"
        raise BadRequest(msg, code="not-utf8", hint="ask for it with the parameter binary_data") from None


def _top(row: list[float], count: int, labels: Sequence[Any]) -> list[str]:
    best = heapq.nlargest(min(count, len(row)), range(len(row)), key=row.__getitem__)
    if labels:
        return [f"{row[index]:f}:{index}:{labels[index]}" for index in best]
    return [f"{row[index]:f}:{index}" for index in best]
