"""What a caller sends, read within its limits: JSON bodies, queries, files."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from modelport.api.settings import Settings
from modelport.core.ready import ready
from modelport.errors import BadRequest, InvalidInput, RequestTimeout, TooLarge, UnsupportedMedia
from modelport.storage import whole

_JSON = frozenset({"application/json", ""})


async def document(request: Request, shape: Any, settings: Settings) -> tuple[Any, bytes]:
    """The JSON body as `shape`, and its bytes.

    Raises `UnsupportedMedia`, `TooLarge`, `RequestTimeout`, `BadRequest` for what is no JSON, `InvalidInput`
    with its place for what is, but not of this shape.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        msg = f"{kind[:80]!r} is not read here"
        raise UnsupportedMedia(msg, hint="send application/json")
    raw = await _whole(request, settings, settings.document_bytes)
    if shape is None:
        return None, raw
    try:
        return msgspec.json.decode(raw, type=ready(shape)), raw
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"the body is no JSON: {error}" if raw else "the body is empty"
        raise BadRequest(msg, code="malformed-json", hint="send a JSON document") from error


def query(text: str, shape: Any) -> Any:
    """The query as `shape`, whose tuples take a name several times. Raises `BadRequest` (`bad-parameter`)."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)} if shape else {}
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name not in fields:
            msg = f"{name[:80]!r} is not a parameter of this"
            raise _bad_parameter(msg)
        if getattr(fields[name].type, "__origin__", None) is tuple:
            found[name] = (*found.get(name, ()), value)
        elif name in found:
            msg = f"{name!r} is there twice"
            raise _bad_parameter(msg)
        else:
            found[name] = value
    if shape is None:
        return None
    try:
        return msgspec.convert(found, ready(shape), strict=False)
    except msgspec.ValidationError as error:
        raise _bad_parameter(str(error)) from error


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived: where it lies, its SHA-256 in hex, its size in bytes."""

    path: Path
    sha256: str
    size: int


async def file(request: Request, to: Path, settings: Settings) -> Received:
    """Write the body to `to`, its digest made while it comes. The caller deletes the file.

    Raises `TooLarge`, `RequestTimeout`, `BadRequest` (`digest-mismatch`, `cut-body`), `DiskFull`.
    """
    digest, size = hashlib.sha256(), 0
    declared = _length(request.headers, settings.bundle_bytes)
    with whole.room(), os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        async for part in _parts(request, settings):
            size += len(part)
            _check_size(size, settings.bundle_bytes)
            digest.update(part)
            await asyncio.to_thread(target.write, part)
    if declared is not None and size != declared:
        msg = f"the body has {size} bytes, and {declared} were declared"
        raise BadRequest(msg, code="cut-body", hint="send it again")
    _check_digest(request.headers, digest.hexdigest())
    return Received(to, digest.hexdigest(), size)


async def octets(request: Request, settings: Settings) -> bytes:
    """The bytes of a body as they are. Raises `TooLarge`, `RequestTimeout`, `BadRequest` (`cut-body`)."""
    return await _whole(request, settings, settings.spool_bytes)


async def _whole(request: Request, settings: Settings, most: int) -> bytes:
    """The body; a caller who drips it is cut off."""
    _length(request.headers, most)
    body = bytearray()
    try:
        async with asyncio.timeout(settings.receipt):
            async for part in request.stream():
                body += part
                _check_size(len(body), most)
    except TimeoutError as error:
        raise _late() from error
    except ClientDisconnect as error:
        msg = "the body was cut"
        raise BadRequest(msg, code="cut-body") from error
    return bytes(body)


async def _parts(request: Request, settings: Settings) -> AsyncIterator[bytes]:
    """Parts of a long body, none of them late, and all of them not too slow."""
    loop, size = asyncio.get_running_loop(), 0
    began, stream = loop.time(), request.stream()
    while True:
        try:
            async with asyncio.timeout(settings.receipt):
                part = await anext(stream, None)
        except TimeoutError as error:
            raise _late() from error
        except ClientDisconnect as error:
            msg = "the body was cut"
            raise BadRequest(msg, code="cut-body", hint="send it again") from error
        if part is None:
            return
        size += len(part)
        if size < settings.slowest * (loop.time() - began - settings.receipt):
            raise _late()
        yield part


def _length(headers: Mapping[str, str], most: int) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    size = int(text) if text.isascii() and text.isdigit() else 0
    _check_size(size, most)
    return size


def _check_size(size: int, most: int) -> None:
    if size > most:
        msg = f"the body is larger than {most} bytes"
        raise TooLarge(msg, code="body-too-large")


def _check_digest(headers: Mapping[str, str], found: str) -> None:
    wanted = headers.get("x-modelport-sha256")
    if wanted is not None and wanted.lower() != found:
        msg = "the body's SHA-256 is not the one that was declared"
        raise BadRequest(msg, code="digest-mismatch", hint="send it again")


def _late() -> RequestTimeout:
    return RequestTimeout("the body arrives too slowly", hint="send it again over a faster line")


def _invalid(error: msgspec.ValidationError) -> InvalidInput:
    what, _, where = str(error).partition(" - at `$")
    known = where.rstrip("`").partition("[...]")[0]  # msgspec does not say under which key of a mapping
    pointer = known.replace("[", "/").replace("]", "").replace(".", "/")
    return InvalidInput(what, code="invalid-document", hint="see /api/v1/openapi.json", pointer=pointer)


def _bad_parameter(what: str) -> BadRequest:
    return BadRequest(what, code="bad-parameter", hint="see /api/v1/openapi.json")
