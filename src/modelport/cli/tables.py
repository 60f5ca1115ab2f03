"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """One table on standard output; wide cells fold rather than vanish."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*headings, title=title, title_justify="left", show_header=any(headings))
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console().print(table)
