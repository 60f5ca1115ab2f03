"""RELIABILITY cases 19 to 24 as data: types, names, request lines and headers."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.acceptance.cases import NATIVE, NOT_VALID, ROW, V2, Case, one, raw, tensor
from tests.acceptance.rawclient import post, request


def kinds() -> Iterator[Case]:
    """Cases 19 and 20: content types that are not read."""
    good = json.dumps({"input": ROW}).encode()
    pickled = (
        b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94."
    )
    refused = {
        "missing": (None, good),
        "text": ("text/plain", good),
        "form": ("application/x-www-form-urlencoded", b"input=1"),
        "pickle": ("application/python-pickle", pickled),
        "octets": ("application/octet-stream", pickled),
        "bentoml": ("application/vnd.bentoml+pickle", pickled),
        "numpy": ("application/x-npy", b"\x93NUMPY\x01\x00"),
        "script": ("<script>alert(1)</script>", good),
        "looks-like": ("application/jsonp", good),
    }
    for name, (kind, body) in refused.items():
        data = request("POST", NATIVE, body, kind=kind)
        yield one(19, f"{name}-native", data, 415, code="unsupported-media-type")
        if body is pickled:
            yield one(19, f"{name}-v2", request("POST", V2, body, kind=kind), 400, 415)
    part = b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n'
    forms = {
        "parts": ("b", part * 20_000),
        "flood": ("b", b"\r\n" * 500_000),
        "header": ("b", b"--b\r\nx: " + b"y" * 10**6),
    }
    for name, (boundary, body) in forms.items():
        data = request("POST", NATIVE, body, kind=f"multipart/form-data; boundary={boundary}")
        yield one(20, name, data, 415, code="unsupported-media-type")
    yield one(
        20, "boundary", request("POST", NATIVE, b"", kind=f"multipart/form-data; boundary={'b' * 10**6}"), 431
    )


def names() -> Iterator[Case]:
    """Case 21: names that are no names."""
    tricks = {
        "dots": "..",
        "dots-encoded": "%2e%2e",
        "slash": "a/b",
        "slash-encoded": "a%2fb",
        "empty": "",
        "long": "a" * 10_000,
        "space": "%20",
        "look-alike": "numbers%D0%B0",
        "semicolon": "numbers;x",
        "hash": "numbers%23",
        "nul": "numbers%00",
        "up": "../../../../etc/passwd",
        "up-encoded": "..%2f..%2f..%2fetc%2fpasswd",
        "case": "Numbers",
        "trailing": "numbers%20",
        "bad-escape": "%zz",
        "overlong": "%c0%ae%c0%ae",
    }
    for name, trick in tricks.items():
        yield one(21, f"{name}-native", post(f"/v1/models/{trick}/predict", {"input": ROW}), 400, 404)
        yield one(21, f"{name}-v2", post(f"/v2/models/{trick}/infer", {"inputs": [tensor()]}), 400, 404)
        path = f"/v2/models/numbers/versions/{trick}/infer"
        yield one(21, f"{name}-version", post(path, {"inputs": [tensor()]}), 400, 404)
    for name, version in {"zero": "0", "negative": "-1", "huge": "9" * 5000, "digits": "%D9%A1"}.items():
        yield one(21, f"version-{name}", post(f"/v2/models/numbers/versions/{version}/infer", {}), 400, 404)


def lines() -> Iterator[Case]:
    """Case 22: request lines."""
    yield one(22, "unknown-method", request("BREW", NATIVE), 400, 405, 501)
    yield one(22, "delete", request("DELETE", NATIVE), 405, code="method-not-allowed")
    yield one(22, "get", request("GET", NATIVE), 405, code="method-not-allowed")
    override = {"x-http-method-override": "POST", "x-method-override": "POST"}
    yield one(22, "override", request("GET", NATIVE, b"", override), 405)
    yield one(22, "trace", request("TRACE", "/v2", b"", {"authorization": "secret"}), 400, 405)
    yield one(22, "connect", b"CONNECT evil.test:443 HTTP/1.1\r\nhost: evil.test\r\n\r\n", 400, 405, 421)
    yield one(22, "http-0.9", b"GET /\r\n\r\n", 400, 421, closes=True)
    yield one(22, "http-2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", closes=True)
    yield one(22, "http-9", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n", closes=True)
    yield one(22, "tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100, closes=True)
    yield one(22, "long", request("GET", "/" + "a" * 100_000), 431, code="headers-too-large", closes=True)
    yield one(22, "no-host", b"GET /v2 HTTP/1.1\r\n\r\n", 400, 421)
    yield one(22, "space-in-path", b"GET /v2 models HTTP/1.1\r\nhost: x\r\n\r\n", closes=True)


def headers() -> Iterator[Case]:
    """Case 23: headers that flood, or say two things."""
    start = b"POST " + NATIVE.encode() + b" HTTP/1.1\r\nhost: localhost\r\n"
    many = b"".join(b"x-%d: y\r\n" % at for at in range(10_000))
    yield one(23, "many", start + many + b"\r\n", 431, closes=True)
    short = b"".join(b"a%d:\r\n" % at for at in range(200))
    yield one(23, "short", start + short + b"\r\n", 431, code="too-many-headers", closes=True)
    yield one(23, "repeated", start + b"x: y\r\n" * 50_000 + b"\r\n", 431, closes=True)
    yield one(
        23,
        "large",
        start + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n",
        431,
        code="headers-too-large",
        closes=True,
    )
    body = json.dumps({"input": ROW}).encode()
    size, kind = b"content-length: %d\r\n" % len(body), b"content-type: application/json\r\n"
    two_ways = {
        "underscore": b"content_length: 5\r\n" + size,
        "length-twice": size + b"content-length: 5\r\n",
        "same-length-twice": size + size,
        "length-and-chunked": size + b"transfer-encoding: chunked\r\n",
        "chunked-and-length": b"transfer-encoding: chunked\r\n" + size,
        "length-list": b"content-length: 5, 5\r\n",
        "length-plus": b"content-length: +5\r\n",
        "length-negative": b"content-length: -5\r\n",
        "length-hex": b"content-length: 0x5\r\n",
        "length-huge": b"content-length: 99999999999999999999999\r\n",
        "coding-unknown": b"transfer-encoding: gzip\r\n",
        "coding-chained": b"transfer-encoding: chunked, identity\r\n",
        "coding-twice": b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "space-before-colon": b"content-length : 5\r\n" + size,
        "folded": b"x: a\r\n b\r\n" + size,
        "no-colon": b"nonsense\r\n" + size,
        "nul": b"x: a\x00b\r\n" + size,
        "bare-cr": b"x: a\rcontent-length: 5\r\n" + size,
        "host-twice": b"host: evil.test\r\n" + size,
        "type-twice": b"content-type: text/plain\r\n" + size,
    }
    for name, fields in two_ways.items():
        yield one(23, name, start + kind + fields + b"\r\n" + body, 400, 413, 421, 501, closes=True)
    sizes = {
        "chunk-huge": b"FFFFFFFFFFFFFFFFF",
        "chunk-negative": b"-1",
        "chunk-word": b"zz",
        "chunk-plus": b"+5",
    }
    for name, chunk in sizes.items():
        coded = b"transfer-encoding: chunked\r\n\r\n" + chunk + b"\r\nhello\r\n0\r\n\r\n"
        yield one(23, name, start + kind + coded, 400, 413, closes=True)


def escapes() -> Iterator[Case]:
    """Case 24: control characters on their way into logs, headers and terminals."""
    for name, trick in {
        "crlf": "%0d%0aset-cookie:%20a",
        "ansi": "%1b%5b31mred",
        "quote": "%22%7d%0a",
    }.items():
        yield one(24, f"{name}-path", post(f"/v1/models/{trick}/predict", {"input": ROW}), 400, 404)
        yield one(24, f"{name}-query", request("GET", f"/nowhere?a={trick}"), 404)
    yield one(24, "raw-ansi-path", b"GET /\x1b[31m HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, 404)
    for name, value in {
        "ansi": "\x1b[31mred",
        "latin": "caf\xe9",
        "long": "x" * 10_000,
        "tab": "a\tb",
    }.items():
        ids = {"x-request-id": value}
        yield one(24, f"{name}-request-id", request("GET", "/nowhere", b"", ids), 400, 404)
    body = json.dumps({"input": ["\x1b[31m\r\nset-cookie: a"], "id": "\r\nx: y\x1b[0m"}).encode()
    yield one(24, "in-body", raw(NATIVE, body), *NOT_VALID)
