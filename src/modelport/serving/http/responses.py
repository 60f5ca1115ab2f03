"""Answers of the OpenAPI document that many routes share: errors, and how a schema is referred to."""

from __future__ import annotations

from collections.abc import Iterable

from modelport.serving.http.schemas import Schema

PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. Codes: docs/reference/errors.md. `error` repeats `detail`.",
    "required": ["type", "title", "status", "detail", "code", "request_id", "error"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "error": {"type": "string"},
        "hint": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_WAITS = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
_LIMITS = {
    "RateLimit-Policy": {"description": "The key's quota and window.", "schema": {"type": "string"}},
    "RateLimit": {"description": "What remains, and until when.", "schema": {"type": "string"}},
}
_ERRORS: dict[int, str] = {
    400: "Not understandable.",
    401: "No key, or one that is not known.",
    403: "The key may not do this, or the origin is foreign.",
    404: "No such model, version or route.",
    408: "The request did not arrive in time.",
    413: "Over a limit in bytes or rows.",
    415: "A content type or coding that is not read.",
    421: "Not a host of this server.",
    422: "Understood, but not valid for this model.",
    429: "The key's own limit.",
    431: "Headers too large.",
    500: "The model or the server failed.",
    503: "Overloaded, not ready, or draining.",
    504: "The deadline passed.",
}
READING = (400, 401, 403, 404, 408, 421, 429, 431, 500, 503)
"""Errors of routes that only read."""
PREDICTING = tuple(_ERRORS)
"""Errors of routes that run a model."""


def error_components() -> Schema:
    """The error responses, by the names that `errors` refers to."""
    return {f"Error{status}": _error(status) for status in _ERRORS}


def _error(status: int) -> Schema:
    content = {"application/problem+json": {"schema": reference("Problem")}}
    headers = {429: _WAITS | _LIMITS, 503: _WAITS}.get(status)
    return {"description": _ERRORS[status], "content": content, **({"headers": headers} if headers else {})}


def json_content(description: str, schema: Schema) -> Schema:
    """An answer in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def errors(statuses: Iterable[int]) -> Schema:
    """References to the error responses with these statuses."""
    return {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in statuses}


def reference(name: str) -> Schema:
    """Reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}
