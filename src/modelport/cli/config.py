"""`modelport config`: documents as they were applied, and how they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options

if TYPE_CHECKING:
    from modelport.client.control import Control

_kind = click.argument("kind", metavar="KIND", help="deployment or model_config.")
_name = click.argument("name", metavar="NAME", help="The model or endpoint.")


@click.group("config")
def group() -> None:
    """Show what was applied: every version of every document."""


@group.command("list")
@click.option("--kind", help="Only deployment, or only model_config.")
@plane.connected
@options.as_json
def show(*, control: Control, kind: str | None, as_json: bool) -> None:
    """List the documents in effect."""
    from modelport.cli.changes import spelled
    from modelport.cli.output import listing

    listing(
        control.configurations.list(kind=kind),
        ("kind", "name", "version", "by", "document"),
        lambda each: (each.kind, each.name, str(each.version), each.by, spelled(each.document)),
        as_json=as_json,
    )


@group.command("history")
@_kind
@_name
@plane.connected
@options.as_json
def history(*, control: Control, kind: str, name: str, as_json: bool) -> None:
    """List every version of a document, the newest first."""
    from modelport.cli.changes import spelled
    from modelport.cli.output import listing
    from modelport.cli.times import moment

    listing(
        control.configurations.history(kind, name),
        ("version", "when", "by", "document"),
        lambda each: (str(each.version), moment(each.at), each.by, spelled(each.document)),
        as_json=as_json,
    )


@group.command("diff")
@_kind
@_name
@click.argument("before", type=click.IntRange(1), help="A version of the document.")
@click.argument("after", type=click.IntRange(1), help="Another version of it.")
@plane.connected
@options.as_json
def diff(*, control: Control, kind: str, name: str, before: int, after: int, as_json: bool) -> None:
    """Say what changed between two versions of a document."""
    from modelport.cli.changes import show_differences

    changes = control.configurations.diff(kind, name, before, after)
    show_differences(changes, as_json=as_json)
