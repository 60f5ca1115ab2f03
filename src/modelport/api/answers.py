"""Answers on the wire: JSON of our structs, problem documents, files, live views."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from math import ceil
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from modelport.api.call import Made
from modelport.api.operation import Operation
from modelport.core.problem import problem
from modelport.errors import MethodNotAllowed, Overloaded, RateLimited, Unauthenticated

JSON = "application/json"
PROBLEM = "application/problem+json"
EVENTS = "text/event-stream"
SAFETY = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer: nothing of ours is a page, whatever names and tags hold."""


def answered(value: Any, operation: Operation, request: Request) -> Response:
    """The response of a value; 304 when the caller has it already."""
    made = value if isinstance(value, Made) else Made(value)
    headers = {} if made.tag is None else {"etag": f'"{made.tag}"'}
    if operation.method == "GET" and headers.get("etag") in _known(request):
        return Response(status_code=304, headers=headers)
    if operation.answer is None:
        return Response(status_code=204, headers=headers)
    body = msgspec.json.encode(made.value)
    return Response(body, made.status or operation.status, headers, JSON)


def refused(error: Exception, request_id: str) -> Response:
    """The problem document of an error, with the fields that its status asks for."""
    status, body = problem(error, request_id)
    return Response(body, status, _fields(error), PROBLEM)


def attachment(parts: Iterator[bytes], name: str, kind: str, headers: dict[str, str]) -> Response:
    """A file to be kept, never shown; read in threads while it is sent."""
    fields = {**headers, "content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, 200, fields, kind)


def live(events: AsyncIterator[bytes]) -> Response:
    """Server-sent events. No proxy may hold them back."""
    return StreamingResponse(events, 200, {"x-accel-buffering": "no"}, EVENTS)


def event(kind: str, data: bytes, place: str = "") -> bytes:
    """One event; JSON data has no line breaks."""
    head = f"id: {place}\nevent: {kind}\n" if place else f"event: {kind}\n"
    return head.encode() + b"data: " + data + b"\n\n"


HEARTBEAT = b": still here\n\n"


def _known(request: Request) -> frozenset[str]:
    tags = request.headers.get("if-none-match", "")
    return frozenset(tag.strip().removeprefix("W/") for tag in tags.split(",") if tag.strip())


def _fields(error: Exception) -> dict[str, str]:
    match error:
        case RateLimited(retry_after=wait) | Overloaded(retry_after=wait):
            return {"retry-after": str(max(1, ceil(wait)))}
        case Unauthenticated():
            return {"www-authenticate": 'Bearer realm="modelport"'}
        case MethodNotAllowed(allowed=allowed):
            return {"allow": ", ".join(allowed)}
        case _ if getattr(error, "code", "") == "idempotency-running":
            return {"retry-after": "1"}
        case _:
            return {}
