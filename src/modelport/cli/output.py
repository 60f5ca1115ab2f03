"""Results on standard output: JSON for programs, tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

T = TypeVar("T")


def print_json(document: object) -> None:
    """One line of JSON."""
    import msgspec

    click.echo(msgspec.json.encode(msgspec.to_builtins(document, str_keys=True)))


def listing(
    things: Iterable[T], headings: Sequence[str], cells: Callable[[T], Sequence[str]], *, as_json: bool
) -> None:
    """A list of things: as one JSON array, or as a table."""
    found = list(things)
    if as_json:
        print_json(found)
        return
    from modelport.cli.tables import print_table

    print_table(headings, [cells(each) for each in found])
