"""What changed, as lines that people read like a diff."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import click

from modelport.cli.inert import inert

if TYPE_CHECKING:
    from modelport.core.sights import Change

_SIGNS = {
    "created": ("+", "green"),
    "changed": ("~", "yellow"),
    "removed": ("-", "red"),
    "unchanged": (" ", None),
}


def show_differences(changes: Collection[Change], *, as_json: bool) -> None:
    """What differs between two versions of something: as JSON, or as lines."""
    from modelport.cli.output import print_json

    if as_json:
        print_json(changes)
        return
    print_changes(changes)
    if not changes:
        click.echo("no difference")


def print_changes(changes: Iterable[Change]) -> None:
    """One line for each place: `~ deployment/churn.steps  [10] → [5, 25]`."""
    for change in changes:
        sign, colour = _SIGNS[change.kind]
        click.secho(inert(f"{sign} {change.path}{_values(change)}"), fg=colour)


def _values(change: Change) -> str:
    if change.kind == "changed":
        return f"  {spelled(change.before)} → {spelled(change.after)}"
    value = change.before if change.kind == "removed" else change.after
    return "" if value is None else f"  {spelled(value)}"


def spelled(value: Any) -> str:
    """A value as JSON."""
    import msgspec

    return msgspec.json.encode(value).decode()
