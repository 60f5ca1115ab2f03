"""What a request of the Open Inference Protocol V2 may hold, as it stands in JSON."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from modelport.errors import BadRequest

Scalar = str | int | float | bool
Parameters = dict[str, Scalar]
_NONE: Parameters = {}


class Output(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: Parameters | UnsetType = UNSET


class Input(msgspec.Struct):
    """A tensor; its data is read once its datatype is known."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET


class Request(msgspec.Struct):
    """Any request."""

    inputs: list[Input]
    id: str | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET
    outputs: list[Output] | UnsetType = UNSET


class Numbers(msgspec.Struct, forbid_unknown_fields=True):
    """The input of a plain request: floats in a flat list."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Plain(msgspec.Struct, forbid_unknown_fields=True):
    """What most requests are; any other field makes it an ordinary `Request`."""

    inputs: list[Numbers]
    id: str = ""


REQUEST = msgspec.json.Decoder(Request)
PLAIN = msgspec.json.Decoder(Plain)


def keys(request: Request) -> int:
    """How many keys the document has as far as it was decoded; never more than it has."""
    count = (
        1 + (request.id is not UNSET) + (request.outputs is not UNSET) + _parameter_keys(request.parameters)
    )
    for tensor in request.inputs:
        count += 3 + (tensor.data is not UNSET) + _parameter_keys(tensor.parameters)
    if request.outputs is not UNSET:
        count += sum(1 + _parameter_keys(output.parameters) for output in request.outputs)
    return count


def header_length(text: bytes, body: int) -> int:
    """Bytes of JSON before the tensors, out of `body` bytes; raises `BadRequest`."""
    if not text.isdigit() or len(text) > 19 or int(text) > body:
        msg = "Inference-Header-Content-Length is not a number of bytes that the body has"
        raise BadRequest(msg, code="bad-header-length", hint="give the length of the JSON before the tensors")
    return int(text)


def known(parameters: Parameters | UnsetType) -> Parameters:
    """The parameters, when none of them asks for what is not done here; raises `BadRequest`."""
    if parameters is UNSET:
        return _NONE
    for name in parameters:
        if name.startswith(("sequence_", "shared_memory_", "triton_")):
            msg = f"the parameter {name[:100]!r} is not served here"
            raise BadRequest(msg, code="unsupported-parameter", hint="GET /v2 lists the extensions")
    return parameters


def flag(parameters: Parameters, name: str, *, default: bool) -> bool:
    """A parameter that is true or false; raises `BadRequest`."""
    value = parameters.get(name, default)
    if isinstance(value, bool):
        return value
    msg = f"the parameter {name!r} is not true or false"
    raise BadRequest(msg, code="bad-parameter")


def count(parameters: Parameters, name: str) -> int:
    """A parameter that is a whole number from 0, which is also what an absent one is; raises `BadRequest`."""
    value = parameters.get(name, 0)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    msg = f"the parameter {name!r} is not a whole number from 0"
    raise BadRequest(msg, code="bad-parameter")


def timeout(parameters: Parameters) -> float:
    """Seconds; the protocol's parameter counts microseconds."""
    return count(parameters, "timeout") / 1e6


def _parameter_keys(parameters: Parameters | UnsetType) -> int:
    return 0 if parameters is UNSET else 1 + len(parameters)
