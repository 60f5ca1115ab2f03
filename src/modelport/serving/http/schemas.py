"""JSON Schemas (draft 2020-12) of what callers send and get, derived from a model's signature."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelport.core.described import Schema
from modelport.core.manifest import Label
from modelport.core.signature import DType, Field, Signature, Task

_JSON_TYPE: Mapping[DType, str] = {
    "BOOL": "boolean", "BYTES": "string", "FP16": "number", "FP32": "number", "FP64": "number",
    "INT8": "integer", "INT16": "integer", "INT32": "integer", "INT64": "integer",
    "UINT8": "integer", "UINT16": "integer", "UINT32": "integer", "UINT64": "integer",
}  # fmt: skip
DATATYPES: list[str] = sorted(_JSON_TYPE)
_OVERFLOW: Mapping[DType, float] = {"FP16": 65520.0, "FP32": 3.4028235677973366e38}
"""Where a number of JSON, which is one of FP64, begins to round to infinity."""


_PICTURE: Schema = {
    "type": "object",
    "properties": {
        "b64": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "The bytes of a picture file.",
        }
    },
    "required": ["b64"],
    "additionalProperties": False,
}


class Described(msgspec.Struct, frozen=True):
    """What the document needs to know of one endpoint.

    Attributes:
        name: as it stands in a path.
        task: what its outputs mean.
        signature: its contract; every version behind the endpoint has the same.
        labels: meaning of label indices, in order.
    """

    name: str
    task: Task
    signature: Signature
    labels: tuple[Label, ...] | None = None


def item(signature: Signature) -> Schema:
    """One item, as a native route takes it."""
    match signature.item:
        case "text":
            return {"type": "string"}
        case "image":
            return _PICTURE
        case "vector":
            return _vector(signature.inputs[0])
        case "columns":
            return _closed({field.name: _value(field) for field in signature.inputs}, _required(signature))
        case "tensors":
            return _closed({field.name: _nested(field) for field in signature.inputs}, _required(signature))


def spread(signature: Signature, **more: Schema) -> Schema:
    """One item whose columns, or `text`, stand at the top of a body, with `more` beside them."""
    match signature.item:
        case "text":
            found = _closed({"text": {"type": "string"}}, ["text"])
        case "vector":
            found = _named(signature.inputs[0])
        case _:
            found = item(signature)
    return found | {"properties": found["properties"] | more}


def prediction(endpoint: Described) -> Schema:
    """The object that answers one item."""
    label = _label(endpoint.labels)
    return _object(
        {
            "prediction_id": {"type": "string", "description": "Join feedback with this."},
            "model": {"type": "string"},
            "version": {"type": "integer", "minimum": 1},
            "label": {"type": "string", "description": "The version's semantic label, when it has one."},
            "id": {"type": "string", "description": "The caller's own, when it sent one."},
            "prediction": _prediction(endpoint, label),
            "confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "below_threshold": {"type": "boolean"},
            "labels": {"type": "array", "items": label},
            "probabilities": {"type": "array", "items": {"type": ["number", "array", "null"]}},
            "score": {
                "type": ["number", "null"],
                "description": "Of an outlier model: how normal the item is.",
            },
            "notes": {"type": "array", "items": {"type": "string"}},
            "truncated": {"type": "boolean"},
        },
        ["prediction_id", "model", "version", "prediction"],
    )


def _vector(field: Field) -> Schema:
    """A list of numbers, or an object of the named columns where there are names."""
    number = _scalar(field)
    width = field.shape[-1] if len(field.shape) > 1 else 1
    row: Schema = {"type": "array", "items": number}
    if width >= 0:
        row |= {"minItems": width, "maxItems": width}
    if not field.columns:
        return row
    return {"anyOf": [row, _named(field)]}


def _named(field: Field) -> Schema:
    """The columns of a vector by name."""
    columns = dict.fromkeys(field.columns, _scalar(field))
    return _closed(columns, [] if field.missing else list(field.columns))


def _value(field: Field) -> Schema:
    """One value of a column. The range seen in training is told; it is no rule."""
    schema = _scalar(field)
    if field.closed and field.categories:
        schema["enum"] = [*field.categories, *([None] if field.missing else [])]
    elif field.categories:
        schema["examples"] = list(field.categories[:10])
    if field.minimum is not None and field.maximum is not None:
        schema["description"] = f"Seen in training: {field.minimum:g} to {field.maximum:g}."
    return schema


def _scalar(field: Field) -> Schema:
    kind = _JSON_TYPE[field.dtype]
    return {"type": [kind, "null"] if field.missing else kind, **_bounds(field.dtype)}


def _bounds(dtype: DType) -> Schema:
    """The numbers that a dtype can take, where it cannot take every number of JSON."""
    if dtype in _OVERFLOW:
        return {"exclusiveMinimum": -_OVERFLOW[dtype], "exclusiveMaximum": _OVERFLOW[dtype]}
    kind, _, bits = dtype.partition("INT")
    if not bits:
        return {}
    if kind == "U":
        return {"minimum": 0, "maximum": 2 ** int(bits) - 1}
    return {"minimum": -(2 ** (int(bits) - 1)), "maximum": 2 ** (int(bits) - 1) - 1}


def _nested(field: Field) -> Schema:
    """A tensor without its row dimension, as nested lists."""
    schema = _scalar(field)
    for size in reversed(field.shape[1:]):
        schema = {"type": "array", "items": schema}
        if size >= 0:
            schema |= {"minItems": size, "maxItems": size}
    return schema


def _required(signature: Signature) -> list[str]:
    return [field.name for field in signature.inputs if not field.missing]


def _prediction(endpoint: Described, label: Schema) -> Schema:
    match endpoint.task:
        case "classification" | "outlier":
            return label
        case "regression":
            return {"anyOf": [{"type": ["number", "null"]}, {"type": "array"}]}
        case "clustering":
            return {"type": "integer"}
        case "multilabel" | "transform":
            return {"type": "array"}
        case "entities":
            return {"type": "array", "items": _entity(label)}
        case "tensors":
            return {"description": "The graph's outputs, as nested lists by name or alone."}


def _entity(label: Schema) -> Schema:
    place: Schema = {"type": "integer", "minimum": 0, "description": "In characters of the item."}
    fields: dict[str, Schema] = {
        "text": {"type": "string"},
        "label": label,
        "start": place,
        "end": place,
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    }
    return _object(fields, list(fields))


def _label(labels: tuple[Label, ...] | None) -> Schema:
    return {"enum": list(labels)} if labels else {"type": ["string", "number", "boolean"]}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _closed(properties: Schema, required: list[str]) -> Schema:
    """An object that may hold nothing else."""
    return _object(properties, required) | {"additionalProperties": False}
