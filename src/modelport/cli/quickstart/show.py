"""What the quickstart prints."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from modelport.cli.quickstart.load import Measured
from modelport.cli.quickstart.models import Exhibit
from modelport.client import Answer, ItemError

SHOWN = 4
Entries = Sequence[Answer | ItemError]


def answers(console: Console, exhibit: Exhibit, entries: Entries) -> None:
    """A few answers beside the truth, and how many of all unseen rows were right."""
    table = Table("asked", "truth", "answer", "confidence", title=f"{exhibit.name}: {exhibit.about}")
    table.title_justify = "left"
    for item, truth, entry in list(zip(exhibit.items, exhibit.truths, entries, strict=True))[:SHOWN]:
        table.add_row(escape(exhibit.brief(item)), escape(truth), *_answer(entry, truth), end_section=True)
    console.print(table)
    right = sum(_says(entry) == truth for entry, truth in zip(entries, exhibit.truths, strict=True))
    console.print(
        f"{right} of {len(entries)} rows it had never seen are right ({right / len(entries):.1%})\n"
    )


def curl(console: Console, url: str, exhibit: Exhibit) -> None:
    """The request line to copy, on one line whatever the width of the terminal."""
    item = min(exhibit.items[:50], key=lambda one: len(msgspec.json.encode(one)))
    body = msgspec.json.encode({"input": item}).decode().replace("'", "'\\''")
    console.print(f"[bold]{exhibit.name}[/bold]")
    address = f"{url}/v1/models/{exhibit.name}/predict"
    line = f"curl -s {address} -H 'content-type: application/json' -d '{body}'"
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def speed(console: Console, name: str, found: Measured) -> None:
    """What was measured, and how."""
    console.print(
        f"\n[bold]{found.rate:,.0f} predictions a second[/bold] from {name!r}, half of them within"
        f" {found.p50_ms:.2f} ms, 99 % within {found.p99_ms:.2f} ms"
    )
    console.print(
        f"Measured for {found.seconds:.1f} s: one worker, one row a request, {found.connections} connections"
        f" in a closed loop from one process on this machine; {found.failed} failed.\n",
        style="dim",
    )


def _answer(entry: Answer | ItemError, truth: str) -> tuple[str, str]:
    if isinstance(entry, ItemError):
        return f"[red]{escape(str(entry.error))}", ""
    colour = "green" if _says(entry) == truth else "red"
    confidence = "" if entry.confidence is None else f"{entry.confidence:.3f}"
    return f"[{colour}]{escape(_says(entry))}", confidence


def _says(entry: Answer | ItemError) -> str:
    return "" if isinstance(entry, ItemError) else str(entry.prediction)
