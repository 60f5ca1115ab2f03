"""The OpenAPI 3.1 document of a replica: a pure function of what it serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from modelport.core.described import PROBLEM, Schema, reference
from modelport.serving.http.open_inference import COMPONENTS, paths
from modelport.serving.http.responses import (
    PREDICTING,
    READING,
    error_components,
    errors,
    json_content,
)
from modelport.serving.http.schemas import Described, item, prediction, spread

_PARAMETERS: Schema = {
    "type": "object",
    "properties": {
        "return_probabilities": {"type": "boolean"},
        "confidence_threshold": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "max_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31 - 1},
        "user_id": {"type": "string", "description": "Keeps a user on one arm of a split."},
    },
    "additionalProperties": False,
}
_ITEM_ERROR: Schema = {
    "type": "object",
    "required": ["index", "error"],
    "properties": {"index": {"type": "integer"}, "error": {"type": "object"}},
}
_HEALTH: Schema = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": ["healthy", "unhealthy"]}},
}


def document(endpoints: Sequence[Described], *, version: str, secured: bool) -> dict[str, Any]:
    """The whole document.

    `version` is Modelport's own; `secured` says whether keys are in use. Routes that only work while there is
    one model are there when there is one.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelport", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": {**_native(endpoints), **paths([one.name for one in endpoints]), **_operations()},
        "components": {
            "schemas": {**_common(), **COMPONENTS, **_models(endpoints)},
            "responses": error_components(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "mp_live_…"}},
        },
        "security": [{"key": []}] if secured else [],
        "tags": [{"name": name} for name in ("native", "open inference", "operations")],
    }


def _common() -> Schema:
    return {"Problem": PROBLEM, "Parameters": _PARAMETERS, "ItemError": _ITEM_ERROR, "Health": _HEALTH}


def _models(endpoints: Iterable[Described]) -> Schema:
    schemas: Schema = {}
    for endpoint in endpoints:
        name = endpoint.name
        schemas[f"{name}.Item"] = item(endpoint.signature)
        schemas[f"{name}.Prediction"] = prediction(endpoint)
        schemas[f"{name}.Result"] = _with_index(name)
    return schemas


def _with_index(name: str) -> Schema:
    index = {"type": "object", "required": ["index"], "properties": {"index": {"type": "integer"}}}
    return {"anyOf": [{"allOf": [reference(f"{name}.Prediction"), index]}, reference("ItemError")]}


def _native(endpoints: Sequence[Described]) -> Schema:
    routes: Schema = {f"/v1/models/{one.name}/predict": {"post": _predict(one)} for one in endpoints}
    if len(endpoints) == 1:
        routes["/predict"] = {"post": _predict_alone(endpoints[0])}
        routes["/batch_predict"] = {"post": _batch_predict(endpoints[0])}
    return routes


def _predict(endpoint: Described) -> Schema:
    name = endpoint.name
    one = reference(f"{name}.Item")
    body = {
        "type": "object",
        "required": ["input"],
        "properties": {
            "input": {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]},
            "parameters": reference("Parameters"),
            "id": {"type": ["string", "null"]},
        },
        "additionalProperties": False,
    }
    answer = {"anyOf": [reference(f"{name}.Prediction"), _results(name)]}
    summary = f"Predict with {name}: one item answers one object, a list answers results in order."
    return _predicting(f"predict.{name}", summary, body, answer)


def _predict_alone(endpoint: Described) -> Schema:
    """The columns, or `text`, stand at the top of the body."""
    body = spread(endpoint.signature, return_probabilities={"type": "boolean"})
    answer = reference(f"{endpoint.name}.Prediction")
    return _predicting("predict", "Predict with the one model that is served.", body, answer)


def _batch_predict(endpoint: Described) -> Schema:
    body = {"type": "array", "items": reference(f"{endpoint.name}.Item"), "minItems": 1}
    summary = "Predict a list with the one model that is served."
    return _predicting("batch_predict", summary, body, _results(endpoint.name))


def _results(name: str) -> Schema:
    results = {"type": "array", "items": reference(f"{name}.Result")}
    return {"type": "object", "required": ["results"], "properties": {"results": results}}


def _predicting(operation: str, summary: str, body: Schema, answer: Schema) -> Schema:
    return {
        "operationId": operation,
        "summary": summary,
        "tags": ["native"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": json_content("The answer.", answer), **errors(PREDICTING)},
    }


def _operations() -> Schema:
    health = reference("Health")
    public: Schema = {"security": [], "tags": ["operations"]}
    unwell = {"503": json_content("Not ready.", health)}
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/health": {
            "get": public
            | {"operationId": "health", "responses": {"200": json_content("Ready.", health), **unwell}}
        },
        "/ping": {
            "get": public
            | {"operationId": "ping", "responses": {"200": {"description": "Ready."}, **errors([503])}}
        },
        "/version": {"get": _reading("version", "Modelport's version.", text)},
        "/metrics": {"get": _reading("metrics", "Prometheus text format 0.0.4; scope `metrics`.", text)},
        "/debug/plan": {
            "get": _reading(
                "plan",
                "Plan, slot states and refusals; scope `admin`.",
                {"application/json": {"schema": {"type": "object"}}},
            )
        },
    }


def _reading(operation: str, summary: str, content: Schema) -> Schema:
    return {
        "operationId": operation,
        "summary": summary,
        "tags": ["operations"],
        "responses": {"200": {"description": "As it is now.", "content": content}, **errors(READING)},
    }
