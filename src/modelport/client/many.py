"""Long lists in pieces: cut, and put the places of the pieces back together. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from modelport.client.answers import Answer, ItemError
from modelport.errors import InvalidInput


def chunks(items: Iterable[object], size: int) -> Iterator[tuple[int, list[object]]]:
    """Pieces of at most `size` items, each with the place of its first; reads `items` as it goes.

    What `items` raises is raised after the piece that was read before it.
    """
    if size < 1:
        msg = f"a batch holds at least one item, not {size}"
        raise ValueError(msg)
    start, chunk = 0, []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == size:
                yield start, chunk
                start, chunk = start + size, []
    except Exception:
        if chunk:
            yield start, chunk
        raise
    if chunk:
        yield start, chunk


def placed(start: int, answers: Answer | list[Answer | ItemError]) -> Iterator[Answer | ItemError]:
    """The entries of one piece, their `index` counted over the whole list."""
    entries = answers if isinstance(answers, list) else [answers]
    for place, entry in enumerate(entries, start):
        yield msgspec.structs.replace(entry, index=place)


def all_refused(start: int, chunk: list[object], error: InvalidInput) -> Iterator[ItemError]:
    """Every item of a piece in which none was valid."""
    for place in range(start, start + len(chunk)):
        yield ItemError(place, error)
