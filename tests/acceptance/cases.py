"""The form of a hostile request, and the good requests that hostile ones are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.acceptance import models
from tests.acceptance.rawclient import post, request

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
