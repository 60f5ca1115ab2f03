"""Build the requests of the control SDK. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from modelport.client import replies
from modelport.client.calls import Call, Progress, Reply, Upload

T = TypeVar("T")
PREFIX = "/api/v1"


def get(path: str, shape: type[T], **query: object) -> Call[T]:
    """Read something."""
    return Call("GET", path + _query(query), _decoder(shape))


def post(path: str, shape: type[T], body: object = None, **query: object) -> Call[T]:
    """Make something, once, however often it is sent: each call has an Idempotency-Key of its own."""
    return _sending("POST", path + _query(query), shape, body, {"idempotency-key": str(uuid.uuid4())})


def put(path: str, shape: type[T], body: object, headers: Mapping[str, str] | None = None) -> Call[T]:
    """Put something in its place."""
    return _sending("PUT", path, shape, body, headers or {})


def patch(path: str, shape: type[T], body: object) -> Call[T]:
    """Change some of it."""
    return _sending("PATCH", path, shape, body, {})


def delete(path: str, headers: Mapping[str, str] | None = None) -> Call[None]:
    """Take it away."""
    return Call("DELETE", path, _nothing, b"", headers or {})


def upload(path: str, shape: type[T], file: Path, progress: Progress | None, **query: object) -> Call[T]:
    """Send a file as it is."""
    body = Upload(file, progress)
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(body.size),
        "idempotency-key": str(uuid.uuid4()),
    }
    return Call("POST", path + _query(query), _decoder(shape), body, headers)


def download(method: str, path: str) -> Call[object]:
    """Ask for a file."""
    return Call(method, path, _nothing, headers={"accept": "application/octet-stream, application/x-tar"})


def events(path: str, **query: object) -> Call[object]:
    """Ask for server-sent events."""
    return Call("GET", path + _query(query), _nothing, headers={"accept": "text/event-stream"})


def at(*segments: object) -> str:
    """The path of a thing; its names cannot lead elsewhere."""
    return PREFIX + "".join(f"/{quote(str(segment), safe=':@')}" for segment in segments)


def if_match(tag: object) -> dict[str, str]:
    """The header that says what the caller has looked at; none for None, `If-None-Match: *` for 0."""
    if tag is None:
        return {}
    return {"if-none-match": "*"} if tag == 0 else {"if-match": f'"{tag}"'}


def _sending(method: str, path: str, shape: type[T], body: object, headers: Mapping[str, str]) -> Call[T]:
    raw = b"" if body is None else msgspec.json.encode(body)
    kind = {} if body is None else {"content-type": "application/json"}
    return Call(method, path, _decoder(shape), raw, {**kind, **headers})


def _query(given: Mapping[str, object]) -> str:
    pairs = [pair for name, value in given.items() for pair in _pairs(name, value)]
    return f"?{urlencode(pairs)}" if pairs else ""


def _pairs(name: str, value: object) -> list[tuple[str, str]]:
    name = name.rstrip("_")  # `from_` stands for a word that Python keeps for itself
    match value:
        case None | "":
            return []
        case bool():
            return [(name, "true")] if value else []
        case Mapping():
            return [(name, f"{key}:{text}") for key, text in value.items()]
        case _:
            return [(name, str(value))]


def _decoder(shape: type[T]) -> Any:
    if shape is type(None):
        return _nothing

    def decode(reply: Reply) -> T:
        return replies.decode(reply.body, shape)

    return decode


def _nothing(_: object) -> None:
    return None
