"""Types made ready to be read, one at a time.

msgspec learns what a struct looks like when it first reads one, and lets a second thread that comes meanwhile
use what it has half learned: the process crashes (seen with msgspec 0.22). So a type that is read is named as
`ready(Type)`, or has a decoder that is made with its module.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_making = threading.RLock()
_known: set[Any] = set()


def ready(kind: type[T]) -> type[T]:
    """The same type, which msgspec knows now. Thread-safe; costs a look into a set after the first time."""
    if kind not in _known:
        with _making:
            msgspec.json.Decoder(kind)
            _known.add(kind)
    return kind
