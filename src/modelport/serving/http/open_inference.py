"""The Open Inference Protocol V2 in the OpenAPI document: routes and schemas, the same for every model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelport.core.described import Schema, reference
from modelport.serving.http.responses import PREDICTING, READING, errors, json_content
from modelport.serving.http.schemas import DATATYPES

_STRING: Schema = {"type": "string"}
_SIZES: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_DATATYPE: Schema = {"enum": DATATYPES}
_PARAMETERS: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
_DATA: Schema = {
    "type": "array",
    "description": "Row-major, flat or nested to the shape. Null is a missing value, if the model knows one.",
}
_DURATION: Schema = {
    "type": "object",
    "required": ["count", "ns"],
    "properties": {"count": {"type": "integer"}, "ns": {"type": "integer"}},
}
_HEADER_LENGTH: Schema = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "Bytes of JSON before the binary tensors. Without it the whole body is JSON.",
    "schema": {"type": "integer", "minimum": 0},
}
_VERSION: Schema = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$", "examples": ["1"]},
}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


_TENSOR = {"name": _STRING, "shape": _SIZES, "datatype": _DATATYPE, "parameters": _PARAMETERS, "data": _DATA}

COMPONENTS: Schema = {
    "ServerMetadata": _object(
        ["name", "version", "extensions"], name=_STRING, version=_STRING, extensions=_list(_STRING)
    ),
    "TensorMetadata": _object(
        ["name", "datatype", "shape"],
        name=_STRING,
        datatype=_DATATYPE,
        shape={"type": "array", "items": {"type": "integer", "minimum": -1}},
    ),
    "ModelMetadata": _object(
        ["name", "platform", "inputs", "outputs"],
        name=_STRING,
        versions=_list(_STRING),
        platform=_STRING,
        inputs=_list(reference("TensorMetadata")),
        outputs=_list(reference("TensorMetadata")),
    ),
    "InferInput": _object(["name", "shape", "datatype"], **_TENSOR),
    "InferRequestedOutput": _object(["name"], name=_STRING, parameters=_PARAMETERS),
    "InferOutput": _object(["name", "shape", "datatype"], **_TENSOR),
    "InferRequest": _object(
        ["inputs"],
        id=_STRING,
        parameters=_PARAMETERS,
        inputs=_list(reference("InferInput")) | {"minItems": 1},
        outputs=_list(reference("InferRequestedOutput")),
    ),
    "InferResponse": _object(
        ["model_name", "outputs"],
        model_name=_STRING,
        model_version=_STRING,
        id=_STRING,
        parameters=_PARAMETERS,
        outputs=_list(reference("InferOutput")),
    ),
    "InferStatistics": _object(
        ["success", "fail"],
        success=_DURATION,
        fail=_DURATION,
        queue=_DURATION,
        compute_input=_DURATION,
        compute_infer=_DURATION,
        compute_output=_DURATION,
        cache_hit=_DURATION,
        cache_miss=_DURATION,
    ),
    "ModelStatistics": _object(
        ["model_stats"],
        model_stats=_list(
            _object(
                ["name", "version", "inference_stats"],
                name=_STRING,
                version=_STRING,
                last_inference={"type": "integer"},
                inference_count={"type": "integer"},
                execution_count={"type": "integer"},
                inference_stats=reference("InferStatistics"),
                response_stats={"type": "object"},
                batch_stats=_list({"type": "object"}),
                memory_usage=_list({"type": "object"}),
            )
        ),
    ),
    "RepositoryIndex": _list(
        _object(
            ["name", "state"],
            name=_STRING,
            version=_STRING,
            state={"enum": ["UNKNOWN", "READY", "UNAVAILABLE", "LOADING", "UNLOADING"]},
            reason=_STRING,
        )
    ),
}

_LIVE = _object(["live"], live={"type": "boolean"})
_READY = _object(["ready"], ready={"type": "boolean"}, live={"type": "boolean"}, name=_STRING)
_NAMES = _object(["models"], models=_list(_STRING))


def paths(names: Sequence[str]) -> Schema:
    """Every route of the protocol that is served, for the models of these names."""
    model = _named(names)
    return {**_server(), **_model("/v2/models/{model}", "", model), **_versioned(model), **_repository(model)}


def _named(names: Sequence[str]) -> Schema:
    """The model of a path: one of those there are."""
    schema = {**_STRING, "enum": list(names)} if names else _STRING
    return {"name": "model", "in": "path", "required": True, "schema": schema}


def _server() -> Schema:
    metadata = {"get": _get("v2.server", "Server metadata.", reference("ServerMetadata"))}
    return {
        "/v2": metadata,
        "/v2/health/live": {"get": _public("v2.live", "Whether the server answers.", _LIVE)},
        "/v2/health/ready": {"get": _public("v2.ready", "Whether every pinned model is warm.", _READY)},
        "/v2/models": {"get": _get("v2.models", "Names of the models.", _NAMES)},
        "/v2/models/stats": {"get": _get("v2.stats.all", "Statistics.", reference("ModelStatistics"))},
    }


def _versioned(model: Schema) -> Schema:
    return _model("/v2/models/{model}/versions/{version}", ".version", model, _VERSION)


def _model(base: str, suffix: str, *parameters: Schema) -> Schema:
    """Routes of a model; `suffix` tells apart those of one version."""
    routes = {
        "": {"get": _get(f"v2.model{suffix}", "Model metadata.", reference("ModelMetadata"))},
        "/ready": {"get": _get(f"v2.model.ready{suffix}", "Whether the model is ready.", _READY)},
        "/infer": {"post": _infer(f"v2.infer{suffix}")},
        "/stats": {"get": _get(f"v2.stats{suffix}", "Statistics.", reference("ModelStatistics"))},
        "/config": {"get": _get(f"v2.config{suffix}", "Model configuration.", {"type": "object"})},
    }
    return {base + end: {"parameters": list(parameters), **route} for end, route in routes.items()}


def _repository(model: Schema) -> Schema:
    ready = _object([], ready={"type": "boolean"})
    base = "/v2/repository/models/{model}"
    return {
        "/v2/repository/index": {
            "post": _post("v2.index", "Models and their states.", ready, reference("RepositoryIndex"))
        },
        f"{base}/load": {"parameters": [model], "post": _refused("v2.load")},
        f"{base}/unload": {"parameters": [model], "post": _refused("v2.unload")},
    }


def _infer(operation: str) -> Schema:
    binary: Schema = {"application/octet-stream": {}}
    return {
        "operationId": operation,
        "summary": "Infer. The body is read by Inference-Header-Content-Length, not by its Content-Type.",
        "tags": ["open inference"],
        "parameters": [_HEADER_LENGTH],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference("InferRequest")}, **binary},
        },
        "responses": {
            "200": {
                "description": "JSON, or JSON and binary tensors when they were asked for.",
                "content": {"application/json": {"schema": reference("InferResponse")}, **binary},
            },
            **errors(PREDICTING),
        },
    }


def _get(operation: str, summary: str, schema: Schema) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "tags": ["open inference"],
        "responses": {"200": json_content("As it is now.", schema), **errors(READING)},
    }


def _public(operation: str, summary: str, schema: Schema) -> Schema:
    """Health needs no key."""
    responses = {"200": json_content("Yes.", schema), **errors([408, 421, 431, 503])}
    return _get(operation, summary, schema) | {"security": [], "responses": responses}


def _post(operation: str, summary: str, body: Schema, answer: Schema) -> Schema:
    """A control route; its body may be empty."""
    return _get(operation, summary, answer) | {
        "requestBody": {"required": False, "content": {"application/json": {"schema": body}}},
        "responses": {"200": json_content("Done.", answer), **errors([*READING, 413, 415])},
    }


def _refused(operation: str) -> Schema:
    """A control route that clients expect to be there; `model-control-disabled` is all it ever answers."""
    return {
        "operationId": operation,
        "summary": "Always refused: this server takes its models from a plan, which it watches.",
        "tags": ["open inference"],
        "requestBody": {"required": False, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": errors([*READING, 413, 415]),
    }
