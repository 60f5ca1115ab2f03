"""Requests that ask for another protocol (`Upgrade`) are answered as any other (RFC 9110, 7.8).

The parser would take what follows such a request, even its own body, for that protocol. So a fresh parser
reads on: the request's head again, without the wish, when its body is still to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httptools


def hides_body(parser: httptools.HttpRequestParser, headers: dict[bytes, bytes]) -> bool:
    """Whether the parser skips the body, because the request asks for another protocol."""
    declared = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
    return declared and bool(parser.should_upgrade())


def plain_head(parser: httptools.HttpRequestParser, url: bytes, headers: dict[bytes, bytes]) -> bytes:
    """The head of a request without its wish for another protocol, as bytes to be read anew."""
    plain = {name: value for name, value in headers.items() if name not in {b"upgrade", b"connection"}}
    if b"close" in headers.get(b"connection", b"").lower():
        plain[b"connection"] = b"close"
    line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), url, parser.get_http_version().encode())
    return line + b"".join(b"%b: %b\r\n" % field for field in plain.items()) + b"\r\n"
