"""Answers of the OpenAPI document that many routes share."""

from __future__ import annotations

from collections.abc import Iterable

from modelport.core.described import Schema, failed, failures

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
    return failures(_ERRORS)


def json_content(description: str, schema: Schema) -> Schema:
    """An answer in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def errors(statuses: Iterable[int]) -> Schema:
    """References to the error responses with these statuses."""
    return {str(status): failed(status) for status in statuses}
