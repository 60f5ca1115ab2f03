"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelport.cli.inert import inert


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """One table on standard output; wide cells fold rather than vanish, and none reaches the terminal raw."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        *headings, title=inert(title) if title else None, title_justify="left", show_header=any(headings)
    )
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(escape(inert(cell)) for cell in row))
    Console().print(table)
