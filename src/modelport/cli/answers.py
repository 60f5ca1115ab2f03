"""Print answers: a table for people, JSON Lines for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import click
import msgspec

from modelport.cli.tables import print_table
from modelport.client import Answer, ItemError

Entry = Answer | ItemError
_HEADINGS = ("#", "prediction", "confidence", "version", "notes")


class Count(NamedTuple):
    """How many entries there were, and how many of them were refused."""

    all: int
    refused: int


def print_all(entries: Iterable[Entry], *, table: bool) -> Count:
    """Print every entry as it comes (JSON) or at the end (a table).

    What was answered before an error is printed too.
    """
    counted = _Counter()
    if table:
        _print_table(counted.watch(entries))
    else:
        for entry in counted.watch(entries):
            click.echo(msgspec.json.encode(document(entry)))
    return Count(counted.all, counted.refused)


def _print_table(entries: Iterable[Entry]) -> None:
    rows: list[tuple[str, ...]] = []
    try:
        rows.extend(_cells(entry) for entry in entries)
    finally:
        if rows:
            print_table(_HEADINGS, rows)


def document(entry: Entry) -> dict[str, Any]:
    """An entry as the server wrote it: members without a value are left out."""
    if isinstance(entry, ItemError):
        error = entry.error
        said = {"code": error.code, "detail": error.message, "hint": error.hint, "pointer": error.pointer}
        return {"index": entry.index, "error": {name: text for name, text in said.items() if text}}
    members = msgspec.structs.asdict(entry)
    return {name: value for name, value in members.items() if value is not None and value != ()}


class _Counter:
    """Counts what passes through it."""

    def __init__(self) -> None:
        self.all = self.refused = 0

    def watch(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self.all += 1
            self.refused += isinstance(entry, ItemError)
            yield entry


def _cells(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry, ItemError):
        return str(entry.index), "refused", "", "", _why(entry)
    confidence = "" if entry.confidence is None else f"{entry.confidence:.3f}"
    notes = [*entry.notes, *(["below threshold"] if entry.below_threshold else [])]
    notes += ["truncated"] if entry.truncated else []
    version = f"{entry.version}" + (f" ({entry.label})" if entry.label else "")
    return str(entry.index), shown(entry.prediction), confidence, version, ", ".join(notes)


def _why(entry: ItemError) -> str:
    """The reason, after the column it is about."""
    column = entry.error.pointer.removeprefix("/input").strip("/")
    return f"{column}: {entry.error}" if column else str(entry.error)


def shown(prediction: object) -> str:
    """A prediction in one cell: numbers short, structures as JSON."""
    if isinstance(prediction, float):
        return f"{prediction:.6g}"
    return prediction if isinstance(prediction, str) else msgspec.json.encode(prediction).decode()
