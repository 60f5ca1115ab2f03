"""How large a text of documents may be, in every way that could cost something."""

from __future__ import annotations

import math

from modelport.control.documents.faults import syntax
from modelport.control.documents.nodes import Place
from modelport.errors import TooLarge

CHARACTERS = 1024 * 1024
DEPTH = 32
VALUES = 100_000
"""Values of all documents together, an alias counted as often as it is used."""
_INTEGER = 2**63


class Count:
    """Counts values, and stops a text that has too many of them."""

    def __init__(self) -> None:
        self._values = 0

    def one(self, at: Place) -> None:
        """Count one more."""
        self._values += 1
        if self._values > VALUES:
            raise syntax(at, f"more than {VALUES} values, counting an alias as often as it is used")


def check_size(text: str) -> None:
    """Raises `TooLarge` for a text that is not read at all."""
    if len(text) > CHARACTERS:
        msg = f"the documents have {len(text)} characters; {CHARACTERS} are read"
        raise TooLarge(msg, hint="apply them in several files")


def number(text: str, at: Place) -> int | float:
    """A number of JSON, or of YAML 1.2, that a 64-bit machine can hold."""
    whole = text.lstrip("+-").isdigit()
    value: int | float = int(text) if whole and len(text) < 25 else float(text)
    if (whole and abs(value) >= _INTEGER) or not math.isfinite(value):
        raise syntax(at, f"the number {text[:40]} is too large")
    return value
