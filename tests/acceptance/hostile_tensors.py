"""RELIABILITY cases 16 to 18 as data: lengths that lie, and batches of a wrong size."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

from tests.acceptance.cases import (
    FAULTY,
    FAULTY_V2,
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
    tensor,
)
from tests.acceptance.rawclient import post


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
