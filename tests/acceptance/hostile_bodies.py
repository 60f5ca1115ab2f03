"""RELIABILITY cases 1 to 15 as data: bodies that are no request, or not one for this model."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.acceptance.cases import (
    MIXED,
    NATIVE,
    NOT_VALID,
    ROW,
    TEXTS,
    V2,
    Case,
    infer,
    one,
    raw,
    spelled,
    tensor,
)
from tests.acceptance.rawclient import chunked, post, request


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
    for name, kind, large_cell in (
        ("uint8", "UINT8", 2**8),
        ("int64", "INT64", 2**63),
        ("negative", "UINT64", -1),
    ):
        yield one(11, name, infer(tensor(datatype=kind, data=[large_cell] * 30)), code="out-of-range")
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
