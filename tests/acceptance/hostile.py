"""RELIABILITY cases 1 to 24 as data: what is sent, and what may come back."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.acceptance import models
from tests.acceptance.rawclient import chunked, post, request

NATIVE = "/v1/models/numbers/predict"
V2 = "/v2/models/numbers/infer"
TEXTS = "/v1/models/texts/predict"
MIXED = "/v1/models/mixed/predict"
FAULTY = "/v1/models/faulty/predict"
FAULTY_V2 = "/v2/models/faulty/infer"
ROW = models.row()
NOT_VALID = (400, 422)

Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Case:
    """One variant of a numbered case.

    Attributes:
        number, variant: its name.
        pieces: makes what is sent.
        statuses: that may be answered.
        code: that must be answered; "" where several are natural.
        closes: the connection must be closed after the answer.
    """

    number: int
    variant: str
    pieces: Pieces
    statuses: tuple[int, ...] = (400,)
    code: str = ""
    closes: bool = False

    @property
    def name(self) -> str:
        """For the test's id."""
        return f"{self.number:02d}-{self.variant}"


def one(number: int, variant: str, data: bytes, *statuses: int, code: str = "", closes: bool = False) -> Case:
    """A case that is one piece."""
    return Case(number, variant, lambda: (data,), statuses or (400,), code, closes)


def tensor(**changes: Any) -> dict[str, Any]:
    """A good V2 tensor, changed; None drops a member."""
    known = {"name": "input", "shape": [1, 30], "datatype": "FP32", "data": ROW, **changes}
    return {name: value for name, value in known.items() if value is not None}


def infer(*tensors: dict[str, Any], **more: Any) -> bytes:
    """A V2 request to `numbers`."""
    return post(V2, {"inputs": list(tensors), **more})


def raw(path: str, body: bytes, **headers: str) -> bytes:
    """Any body, posted as JSON."""
    return request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})


def spelled(cell: str) -> tuple[bytes, bytes]:
    """The good row with its first number spelled as `cell`: native and V2."""
    cells = ",".join([cell, *map(repr, ROW[1:])])
    native = raw(NATIVE, f'{{"input":[{cells}]}}'.encode())
    v2 = f'{{"inputs":[{{"name":"input","shape":[1,30],"datatype":"FP32","data":[{cells}]}}]}}'
    return native, raw(V2, v2.encode())


def empty() -> Iterator[Case]:
    """Case 1: nothing, or nothing that is a request."""
    bodies = {"empty": b"", "object": b"{}", "null": b"null", "list": b"[]", "string": b'"x"', "cut": b'{"in'}
    for name, body in bodies.items():
        yield one(1, f"{name}-native", raw(NATIVE, body))
        yield one(1, f"{name}-v2", raw(V2, body))


def deep() -> Iterator[Case]:
    """Case 2: JSON without a bottom, on every JSON route."""
    towers = {
        "lists": b"[" * 250_000,
        "objects": b'{"a":' * 250_000,
        "in-input": b'{"input":' + b"[" * 250_000,
        "in-inputs": b'{"inputs":' + b"[" * 250_000,
        "closed": b'{"input":' + b"[" * 125_000 + b"]" * 125_000 + b"}",
    }
    for path in (NATIVE, V2):
        for name, body in towers.items():
            yield one(2, f"{name}{path.replace('/', '-')}", raw(path, body), code="json-too-deep")
    tensors = json.dumps(tensor(data=None))[:-1].encode()
    data = b'{"inputs":[' + tensors + b',"data":' + b"[" * 250_000
    yield one(2, "in-data", raw(V2, data), code="json-too-deep")
    rest = json.dumps({"input": ROW})[:-1].encode() + b',"other":' + b"[" * 100 + b"]" * 100 + b"}"
    yield one(2, "in-ignored-member", raw(NATIVE, rest), code="json-too-deep")


def large() -> Iterator[Case]:
    """Cases 3 to 5: bodies over the limit, declared, undeclared, or in crumbs."""
    for path in (NATIVE, V2):
        name = path.split("/")[1]
        head = request("POST", path, b"", {"content-length": str(1 << 30)})
        yield one(3, f"declared-{name}", head, 413, code="body-too-large", closes=True)
        yield Case(4, f"chunked-{name}", partial(_blocks, path), (413,), "body-too-large", closes=True)
        yield Case(5, f"crumbs-{name}", partial(_crumbs, path), (400,), "too-many-chunks", closes=True)


def _blocks(path: str) -> Iterator[bytes]:
    return chunked(path, (b" " * 65_536 for _ in range(320)))


def _crumbs(path: str) -> Iterator[bytes]:
    yield b"".join(chunked(path, (b" " for _ in range(70_000))))


def coded() -> Iterator[Case]:
    """Cases 6 and 7: content codings that unpack without end, lie, or are unknown."""
    zeros = b" " * 64_000_000
    bombs = {"gzip": gzip.compress(zeros, 1), "deflate": zlib.compress(zeros, 1)}
    for coding, bomb in bombs.items():
        for path in (NATIVE, V2):
            yield one(6, f"{coding}-{path[1:3]}", raw(path, bomb, content_encoding=coding), 413)
    good = gzip.compress(json.dumps({"input": ROW}).encode())
    lies = {
        "plain": (json.dumps({"input": ROW}).encode(), "gzip", (400,), "bad-coding"),
        "cut": (good[:-12], "gzip", (400,), "bad-coding"),
        "trailing": (good + b"more", "gzip", (400,), "bad-coding"),
        "chained": (good, ", ".join(["gzip"] * 100), (415,), "unsupported-coding"),
        "unknown": (good, "snappy", (415,), "unsupported-coding"),
        "brotli": (good, "br", (415,), "unsupported-coding"),
        "zstd": (good, "zstd", (415,), "unsupported-coding"),
    }
    for name, (body, coding, statuses, code) in lies.items():
        for path in (NATIVE, V2):
            yield one(
                7, f"{name}-{path[1:3]}", raw(path, body, content_encoding=coding), *statuses, code=code
            )


def broken_text() -> Iterator[Case]:
    """Case 8: text that is none."""
    texts = {
        "not-utf8": b'{"input":"\xff\xfe"}',
        "overlong": b'{"input":"\xc0\x80"}',
        "lone-surrogate": b'{"input":"\\ud800"}',
        "nul": b'{"input":"a\\u0000b"}',
        "raw-nul": b'{"input":"a\x00b"}',
        "bom": b'\xef\xbb\xbf{"input":"a"}',
        "utf16": '{"input":"a"}'.encode("utf-16"),
        "key": b'{"in\\ud800put":"a"}',
    }
    for name, body in texts.items():
        yield one(8, f"{name}-native", raw(TEXTS, body), *NOT_VALID)
        v2 = body.replace(b'"input":', b'"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":[')
        yield one(8, f"{name}-v2", raw("/v2/models/texts/infer", v2.replace(b'"}', b'"]}]}')), *NOT_VALID)


def numbers() -> Iterator[Case]:
    """Cases 9, 11 and 12: numbers that are none, or too large, or something else."""
    for cell in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
        native, v2 = spelled(cell)
        yield one(9, f"{cell}-native", native, *NOT_VALID)
        yield one(9, f"{cell}-v2", v2)
    million = "9" * 1_000_000
    for name, cell in {"million-digits": million, "million-decimals": f"0.{million}e999"}.items():
        native, v2 = spelled(cell)
        yield one(11, f"{name}-native", native, *NOT_VALID)
        yield one(11, f"{name}-v2", v2)
    for name, cell in {"2^63": str(2**63), "2^64": str(2**64), "-0": "-0", "1e-400": "1e-400"}.items():
        native, v2 = spelled(cell)
        yield one(11, f"{name}-native", native, 200)
        yield one(11, f"{name}-v2", v2, 200)
    for name, kind, cell in (("uint8", "UINT8", 256), ("int64", "INT64", 2**63), ("negative", "UINT64", -1)):
        yield one(11, name, infer(tensor(datatype=kind, data=[cell] * 30)), code="out-of-range")
    wrong: dict[str, Any] = {"string": "1.0", "bool": True, "list": [1.0], "object": {}, "null": None}
    for name, cell in wrong.items():
        cells = [cell, *ROW[1:]]
        yield one(12, f"{name}-native", post(NATIVE, {"input": cells}), *NOT_VALID)
        yield one(12, f"{name}-v2", infer(tensor(data=cells)))
    yield one(12, "float-for-int", infer(tensor(datatype="INT64", data=[1.5] * 30)))
    yield one(12, "bytes-for-float", infer(tensor(datatype="BYTES", data=["a"] * 30)), code="dtype-mismatch")
    yield one(12, "bool-for-float", infer(tensor(datatype="BOOL", data=[True] * 30)), code="dtype-mismatch")
    yield one(12, "unknown", infer(tensor(datatype="FP999")), code="unknown-datatype")


def shapes() -> Iterator[Case]:
    """Cases 13 and 14: shapes that do not fit the model or the data."""
    wrong: dict[str, Any] = {
        "rank-1": [30],
        "rank-3": [1, 1, 30],
        "rank-0": [],
        "width": [1, 29],
        "negative": [1, -30],
        "minus-one": [-1, 30],
        "two-negative": [-1, -30],
        "zero": [0, 30],
        "overflow": [2**60, 16],
        "huge": [10**9, 30],
        "2^64": [2**64, 30],
        "float": [1.0, 30.0],
        "text": ["1", "30"],
        "long": [1] * 10_000,
    }
    for name, shape in wrong.items():
        yield one(13, name, infer(tensor(shape=shape)))
    yield one(13, "billion-of-one", infer(tensor(shape=[10**9], data=[1.0])))
    ragged = [ROW[:15], ROW[:14]]
    yield one(14, "too-few", infer(tensor(data=ROW[:29])))
    yield one(14, "too-many", infer(tensor(data=[*ROW, 1.0])))
    yield one(14, "ragged", infer(tensor(shape=[2, 15], data=ragged)))
    yield one(14, "nested-otherwise", infer(tensor(shape=[1, 30], data=[[one] for one in ROW])))
    yield one(14, "short-row", post(NATIVE, {"input": ROW[:29]}), *NOT_VALID)
    yield one(14, "short-rows", post(NATIVE, {"input": [ROW[:29], ROW[:3]]}), *NOT_VALID)


def members() -> Iterator[Case]:
    """Case 15: inputs, outputs and keys that are missing, unknown or twice there."""
    out = {"name": "label"}
    yield one(15, "no-inputs", infer())
    yield one(15, "unknown-input", infer(tensor(name="other")))
    yield one(15, "extra-input", infer(tensor(), tensor(name="other")))
    yield one(15, "input-twice", infer(tensor(), tensor()))
    yield one(15, "unknown-output", infer(tensor(), outputs=[{"name": "other"}]))
    yield one(15, "output-twice", infer(tensor(), outputs=[out, out]))
    yield one(15, "outputs", infer(tensor(), outputs=[{"name": f"o{at}"} for at in range(10_000)]))
    for name in ("name", "shape", "datatype", "data"):
        yield one(15, f"no-{name}", infer(tensor(**{name: None})))
    row = json.dumps(ROW).encode()
    yield one(
        15, "key-twice-native", raw(NATIVE, b'{"input":%b,"input":%b}' % (row, row)), code="duplicate-key"
    )
    twice = json.dumps({"inputs": [tensor()]})[:-1].encode() + b',"inputs":[]}'
    yield one(15, "key-twice-v2", raw(V2, twice), code="duplicate-key")
    inner = json.dumps({"inputs": [tensor()]}).replace('"name"', '"name": "other", "name"').encode()
    yield one(15, "key-twice-in-tensor", raw(V2, inner), code="duplicate-key")
    one_row = b'{"input":{"tenure":1,"tenure":2,"plan":"gold"}}'
    yield one(15, "column-twice", raw(MIXED, one_row), *NOT_VALID)
    yield one(15, "column-missing", post(MIXED, {"input": {}}), 200)
    yield one(15, "column-unknown", post(MIXED, {"input": {"tenure": 1, "plan": "gold", "x": 1}}), *NOT_VALID)


def binary(size: Any, data: bytes, length: str = "", **changes: Any) -> bytes:
    """A V2 request with one binary tensor; `size` is what it declares, `length` what the header says."""
    known = tensor(data=None, parameters={"binary_data_size": size}, **changes)
    head = json.dumps({"inputs": [known]}).encode()
    return raw(V2, head + data, inference_header_content_length=length or str(len(head)))


def binaries() -> Iterator[Case]:
    """Case 16: lengths of binary tensors that do not hold."""
    data = struct.pack("<30f", *ROW)
    for name, length in {
        "negative": "-1",
        "huge": "99999999999",
        "word": "x",
        "one": "1",
        "hex": "0x10",
    }.items():
        yield one(16, f"header-{name}", binary(len(data), data, length))
    head = json.dumps({"inputs": [tensor(data=None, parameters={"binary_data_size": len(data)})]}).encode()
    yield one(16, "header-missing", raw(V2, head + data))
    sizes = {"negative": -1, "huge": 99_999_999_999, "short": 100, "long": 124, "text": "120", "float": 1.5}
    for name, size in sizes.items():
        yield one(16, f"size-{name}", binary(size, data))
    yield one(16, "odd", binary(119, data[:119]))
    yield one(16, "trailing", binary(120, data + b"more"))
    yield one(16, "empty", binary(0, b""))
    yield one(16, "billion", binary(120, data, shape=[10**9, 30]))
    yield one(16, "nan", binary(120, struct.pack("<30f", float("nan"), *ROW[1:])))
    yield one(16, "bytes-beyond", binary(8, struct.pack("<II", 2**31, 0), datatype="BYTES", shape=[1, 30]))
    both = json.dumps({"inputs": [tensor(parameters={"binary_data_size": 120})]}).encode()
    yield one(16, "data-twice", raw(V2, both + data, inference_header_content_length=str(len(both))))


def batches() -> Iterator[Case]:
    """Cases 17 and 18: no rows, too many, or rows too large."""
    yield one(17, "none-native", post(NATIVE, {"input": []}), 200, *NOT_VALID)
    yield one(17, "none-v2", infer(tensor(shape=[0, 30], data=[])), 200, 400)
    rows = b'{"input":[' + b",".join([b"[0,0]"] * 70_000) + b"]}"
    yield one(17, "above-native", raw(FAULTY, rows), 413)
    cells = b",".join([b"0"] * 140_000)
    above = b'{"inputs":[{"name":"input","shape":[70000,2],"datatype":"FP64","data":[' + cells + b"]}]}"
    yield one(17, "above-v2", raw(FAULTY_V2, above), 413)
    million = b'{"input":[' + b",".join([b"[0,0]"] * 1_000_000) + b"]}"
    yield one(17, "million-native", raw(FAULTY, million), 413)
    yield one(17, "million-binary", _million(), 413)
    names = {f"f{at}": at for at in range(100_000)}
    yield one(18, "names", post(MIXED, {"input": names}), *NOT_VALID)
    yield one(
        18, "long-category", post(MIXED, {"input": {"tenure": 1, "plan": "x" * 1_000_000}}), 200, *NOT_VALID
    )
    yield one(18, "unknown-category", post(MIXED, {"input": {"tenure": 1, "plan": "none such"}}), 200)
    yield one(18, "long-text", post(TEXTS, {"input": "x" * 1_000_000}), *NOT_VALID, code="text-too-long")
    inputs = [tensor(name=f"f{at}", shape=[1], data=[0]) for at in range(20_000)]
    yield one(18, "tensors", infer(*inputs))


def _million() -> bytes:
    known = {
        "name": "input",
        "shape": [10**6, 2],
        "datatype": "FP64",
        "parameters": {"binary_data_size": 16 * 10**6},
    }
    head = json.dumps({"inputs": [known]}).encode()
    return raw(FAULTY_V2, head + bytes(16 * 10**6), inference_header_content_length=str(len(head)))


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


CASES: list[Case] = [
    case
    for make in (
        empty,
        deep,
        large,
        coded,
        broken_text,
        numbers,
        shapes,
        members,
        binaries,
        batches,
        kinds,
        names,
        lines,
        headers,
        escapes,
    )
    for case in make()
]
