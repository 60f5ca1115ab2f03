"""UBJSON as XGBoost writes it (https://ubjson.org, draft 12), within the bytes that are there."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.boosting.checked import refused

_DEPTH = 32
_NUMBERS: dict[bytes, tuple[str, int]] = {
    b"i": (">i1", 1),
    b"U": (">u1", 1),
    b"I": (">i2", 2),
    b"l": (">i4", 4),
    b"L": (">i8", 8),
    b"d": (">f4", 4),
    b"D": (">f8", 8),
}
_CONSTANTS: dict[bytes, Any] = {b"Z": None, b"T": True, b"F": False}


def decode(data: bytes) -> Any:
    """The value in `data`; arrays of one type are NumPy arrays, all others lists.

    Raises `SourceRefused` (`source-malformed`) for bytes that are no such value, or that go on behind it.
    """
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.place != len(data):
        msg = "the file goes on behind its end"
        raise refused(msg)
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def take(self, count: int) -> bytes:
        """The next bytes; a claim beyond the end is refused before anything is reserved for it."""
        if not 0 <= count <= len(self._data) - self.place:
            msg = f"the file ends within a value, at byte {len(self._data)}: it is cut, or a length is wrong"
            raise refused(msg)
        self.place += count
        return self._data[self.place - count : self.place]

    def value(self, kind: bytes, depth: int) -> Any:
        if depth > _DEPTH:
            msg = f"the file is nested more than {_DEPTH} levels deep"
            raise refused(msg)
        if kind in _NUMBERS:
            return self._numbers(kind, 1)[0].item()
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == b"S":
            return self._text()
        if kind == b"[":
            return self._array(depth)
        if kind == b"{":
            return self._object(depth)
        msg = f"byte {self.place - 1} of the file begins no value"
        raise refused(msg)

    def _numbers(self, kind: bytes, count: int) -> Any:
        dtype, size = _NUMBERS[kind]
        return np.frombuffer(self.take(count * size), dtype)

    def _length(self) -> int:
        kind = self.take(1)
        if kind not in _NUMBERS or kind in b"dD":
            msg = f"byte {self.place - 1} of the file should begin a length"
            raise refused(msg)
        return int(self._numbers(kind, 1)[0])

    def _text(self) -> str:
        try:
            return self.take(self._length()).decode()
        except UnicodeDecodeError as error:
            msg = "a text of the file is not UTF-8"
            raise refused(msg) from error

    def _array(self, depth: int) -> Any:
        mark = self.take(1)
        if mark == b"$":
            kind = self.take(1)
            if kind not in _NUMBERS or self.take(1) != b"#":
                msg = f"byte {self.place - 1} of the file does not say what its array holds"
                raise refused(msg)
            dtype = np.dtype(_NUMBERS[kind][0]).newbyteorder("=")
            return self._numbers(kind, self._length()).astype(dtype)
        if mark == b"#":
            count = self._length()
            return [self.value(self.take(1), depth + 1) for _ in range(count)]
        values = []
        while mark != b"]":
            values.append(self.value(mark, depth + 1))
            mark = self.take(1)
        return values

    def _object(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while self._data[self.place : self.place + 1] != b"}":
            name = self._text()
            values[name] = self.value(self.take(1), depth + 1)
        self.take(1)
        return values
