"""How errors are described in OpenAPI documents: once for both planes, as `core.problem` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

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
_HEADERS = {429: _WAITS | _LIMITS, 503: _WAITS}


def failures(meanings: Mapping[int, str]) -> Schema:
    """The error responses of a document's components, by the names that `failed` refers to."""
    return {f"Error{status}": _failure(status, meaning) for status, meaning in meanings.items()}


def failed(status: int) -> Schema:
    """Reference to the error response with this status."""
    return {"$ref": f"#/components/responses/Error{status}"}


def reference(name: str) -> Schema:
    """Reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def _failure(status: int, meaning: str) -> Schema:
    content = {"application/problem+json": {"schema": reference("Problem")}}
    headers = _HEADERS.get(status)
    return {"description": meaning, "content": content, **({"headers": headers} if headers else {})}
