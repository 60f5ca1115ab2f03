"""What the process that packs a Python model and the one that tries it tell each other: files, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelport.core.signature import Item, Task
from modelport.runtimes.batch import Batch
from modelport.runtimes.python.spec import PythonModel
from modelport.runtimes.wire import Heads, assembled, dismantled, padded, padding

_PREFIX = 8


class Trial(msgspec.Struct, frozen=True):
    """What is to be tried.

    Attributes:
        model: entry and requirements.
        item: what one item is.
        task: what the outputs mean; None when that is to be found out.
        at_once: rows in a call; 0 asks all in one.
    """

    model: PythonModel
    item: Item
    task: Task | None
    at_once: int


class Answers(msgspec.Struct, frozen=True):
    """What is known besides the answers: labels the model names, and microseconds of a call by rows."""

    labels: list[Any] | None
    microseconds: dict[int, float]


class Failure(msgspec.Struct, frozen=True):
    """Why there is no answer."""

    message: str
    code: str = "python-failed"
    hint: str = "run the model by itself first: it is given exactly the files that are packed"


def write(path: Path, batch: Batch) -> None:
    """Put a batch into a file."""
    heads, parts = dismantled(batch)
    head = msgspec.msgpack.encode(heads)
    begin = len(head).to_bytes(_PREFIX, "little") + head
    path.write_bytes(b"".join([begin, bytes(padding(len(begin))), *padded(parts)]))


def read(path: Path) -> Batch:
    """The batch in a file. Raises `ValueError`."""
    data = memoryview(bytearray(path.read_bytes()))
    end = _PREFIX + int.from_bytes(data[:_PREFIX], "little")
    heads = msgspec.msgpack.decode(data[_PREFIX:end], type=Heads)
    return assembled(heads, data[end + padding(end) :])
