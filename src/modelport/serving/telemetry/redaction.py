"""Takes the values of named columns out of a payload before it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

MARK = "[redacted]"


def redact(value: Any, names: AbstractSet[str], columns: Sequence[str] = ()) -> Any:
    """A copy of a JSON-able value without the values of the columns in `names`.

    A column is found by its key in an object, at any depth. `columns` names the positions of the lists of a
    model whose item is a vector: there it is found by its position, and a list that does not fit those
    names is taken out whole.
    """
    hidden = frozenset(place for place, name in enumerate(columns) if name in names)
    return _walk(value, names, hidden, len(columns))


def _walk(value: Any, names: AbstractSet[str], hidden: AbstractSet[int], width: int) -> Any:
    if isinstance(value, dict):
        return {
            key: MARK if key in names else _walk(inner, names, hidden, width) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        if hidden and _is_row(value):
            return _row(value, hidden, width)
        return [_walk(inner, names, hidden, width) for inner in value]
    return value


def _is_row(values: Sequence[Any]) -> bool:
    """Whether a list holds any plain value, so that its positions are columns."""
    return any(not isinstance(value, dict | list | tuple) for value in values)


def _row(values: Sequence[Any], hidden: AbstractSet[int], width: int) -> Any:
    if len(values) % width:
        return MARK
    return [MARK if place % width in hidden else value for place, value in enumerate(values)]
