"""Print answers: a table for people, JSON Lines for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import typer

from modelport.cli.tables import print_table
from modelport.client import Answer, ItemError

Entry = Answer | ItemError
_HEADINGS = ("#", "prediction", "confidence", "version", "notes")


def print_all(entries: Iterable[Entry], *, table: bool) -> int:
    """Print every entry as it comes (JSON) or at the end (a table); the number of refused items."""
    counted = _Refused()
    if table:
        print_table(_HEADINGS, [_cells(entry) for entry in counted.watch(entries)])
    else:
        for entry in counted.watch(entries):
            typer.echo(msgspec.json.encode(document(entry)))
    return counted.number


def document(entry: Entry) -> dict[str, Any]:
    """An entry as the server wrote it: members without a value are left out."""
    if isinstance(entry, ItemError):
        error = entry.error
        said = {"code": error.code, "detail": error.message, "hint": error.hint, "pointer": error.pointer}
        return {"index": entry.index, "error": {name: text for name, text in said.items() if text}}
    members = msgspec.structs.asdict(entry)
    return {name: value for name, value in members.items() if value is not None and value != ()}


class _Refused:
    """Counts what passes through it."""

    def __init__(self) -> None:
        self.number = 0

    def watch(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self.number += isinstance(entry, ItemError)
            yield entry


def _cells(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry, ItemError):
        return str(entry.index), "refused", "", "", str(entry.error)
    confidence = "" if entry.confidence is None else f"{entry.confidence:.3f}"
    notes = [*entry.notes, *(["below threshold"] if entry.below_threshold else [])]
    notes += ["truncated"] if entry.truncated else []
    version = f"{entry.version}" + (f" ({entry.label})" if entry.label else "")
    return str(entry.index), shown(entry.prediction), confidence, version, ", ".join(notes)


def shown(prediction: object) -> str:
    """A prediction in one cell: numbers short, structures as JSON."""
    if isinstance(prediction, float):
        return f"{prediction:.6g}"
    return prediction if isinstance(prediction, str) else msgspec.json.encode(prediction).decode()
