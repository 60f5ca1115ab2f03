"""Turn replies into answers. No I/O."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from modelport.client import problems
from modelport.client.answers import Answer, Inference, ItemError, ModelMetadata, ModelState
from modelport.client.calls import Reply
from modelport.core.ready import ready
from modelport.core.sights import Taken
from modelport.errors import ModelportError

T = TypeVar("T")


class _Output(msgspec.Struct):
    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class _Infer(msgspec.Struct):
    model_name: str
    outputs: list[_Output]
    model_version: str = ""
    id: str = ""


def predicted(reply: Reply) -> Answer | list[Answer | ItemError]:
    """One answer, or one entry per item in order."""
    document = decode(reply.body, dict[str, Any])
    if "results" not in document:
        return _converted(document, Answer)
    return [_entry(entry) for entry in _converted(document["results"], list[dict[str, Any]])]


def inferred(reply: Reply) -> Inference:
    """Output tensors, from JSON data or from the bytes after the JSON."""
    from modelport.client import tensors

    head = _head_length(reply)
    document = decode(reply.body[:head], _Infer)
    payload = memoryview(reply.body)[head:]
    arrays = {}
    for output in document.outputs:
        size = output.parameters.get("binary_data_size")
        if size is None:
            arrays[output.name] = tensors.from_json(output.datatype, output.shape, output.data or [])
            continue
        arrays[output.name] = tensors.decode(output.datatype, output.shape, payload[:size])
        payload = payload[size:]
    return Inference(document.model_name, document.model_version, document.id, arrays)


def states(reply: Reply) -> tuple[ModelState, ...]:
    """The repository index."""
    return decode(reply.body, tuple[ModelState, ...])


def metadata(reply: Reply) -> ModelMetadata:
    """The contract of one model."""
    return decode(reply.body, ModelMetadata)


def document(reply: Reply) -> dict[str, Any]:
    """A JSON object as it is."""
    return decode(reply.body, dict[str, Any])


def taken(reply: Reply) -> Taken:
    """What became of feedback."""
    return decode(reply.body, Taken)


def decode(body: bytes | memoryview, shape: type[T]) -> T:
    """JSON as `shape`; raises `ModelportError` (code `bad-answer`) when the server sent something else."""
    try:
        return msgspec.json.decode(body, type=ready(shape))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_answer(str(error)) from error


def bad_answer(reason: str) -> ModelportError:
    """The reply is not one that a Modelport server gives."""
    return ModelportError(
        f"the answer cannot be read: {reason}",
        code="bad-answer",
        hint="check that the address is a Modelport server and not a proxy's page",
    )


def _entry(entry: dict[str, Any]) -> Answer | ItemError:
    if "error" not in entry:
        return _converted(entry, Answer)
    problem = problems.read(entry["error"])
    return ItemError(_converted(entry.get("index"), int), problems.error_of(problem, problem.status or 422))


def _converted(value: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(value, ready(shape))
    except msgspec.ValidationError as error:
        raise bad_answer(str(error)) from error


def _head_length(reply: Reply) -> int:
    text = reply.headers.get("inference-header-content-length")
    if text is None:
        return len(reply.body)
    if not text.isdecimal() or int(text) > len(reply.body):
        msg = "the length of its JSON part makes no sense"
        raise bad_answer(msg)
    return int(text)
