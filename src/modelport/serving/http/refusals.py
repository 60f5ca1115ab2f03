"""Why a request cannot be framed: each is answered, and its connection closed."""

from __future__ import annotations

import httptools

from modelport.errors import BadRequest, ModelportError, Overloaded, RequestTimeout, TooLarge


class HeadTooLarge(BadRequest):
    """Request line and headers together are over a limit."""

    code = "headers-too-large"
    status = 431


HEAD_TOO_LARGE = HeadTooLarge(
    "the request line and headers are too large", hint="send fewer, shorter headers"
)
TOO_MANY_HEADERS = HeadTooLarge("there are too many headers", code="too-many-headers")
UNDERSCORE = BadRequest(
    "a header name holds an underscore", code="bad-header", hint="proxies read '_' and '-' alike; use '-'"
)
FULL = Overloaded(
    "this worker has no room for another connection",
    code="too-many-connections",
    hint="close idle connections, or add workers",
)


def unreadable(error: httptools.HttpParserError) -> ModelportError:
    """What the parser does not understand, or one of its callbacks has refused."""
    if isinstance(error, httptools.HttpParserCallbackError):
        cause = error.__context__
        return cause if isinstance(cause, ModelportError) else BadRequest("malformed request")
    return BadRequest(f"not HTTP/1.1: {error}", code="malformed-http")


def body_too_large(limit: int) -> TooLarge:
    """A body over so many bytes."""
    return TooLarge(
        f"the body is over {limit} bytes",
        code="body-too-large",
        hint="send several requests, or binary tensors, whose limit is higher",
    )


def too_many_chunks(limit: int) -> BadRequest:
    """A body in more than so many chunks."""
    msg = f"more than {limit} chunks"
    return BadRequest(msg, code="too-many-chunks", hint="send larger chunks, or a content-length")


def duplicate_header(name: bytes) -> BadRequest:
    """A header that may be there once, and is there again."""
    msg = f"the header {name.decode('latin-1')!r} is there twice"
    return BadRequest(msg, code="duplicate-header")


def too_slow(why: str) -> RequestTimeout:
    """A request that did not arrive in time."""
    return RequestTimeout(why, hint="send the whole request at once")
