"""`modelport apply`: make documents of the configuration language true."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.files import reading

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.sights import Applied


@click.command("apply")
@click.option(
    "-f",
    "--file",
    type=options.path,
    required=True,
    help="The documents: .yaml, .yml or .json; - is standard input.",
)
@click.option("--model", help="The model they are for, whatever they say.")
@click.option("--version", help="The version they are for, whatever they say.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@plane.connected
@options.as_json
def command(
    *, control: Control, file: Path, model: str | None, version: str | None, dry_run: bool, as_json: bool
) -> None:
    """Apply model and deployment documents; what is so already stays as it is."""
    from modelport.cli.output import print_json

    applied = control.deployments.apply(
        _text(file), json=file.suffix == ".json", model=model, version=version, dry_run=dry_run
    )
    if as_json:
        print_json(applied)
        return
    _show(applied, dry_run=dry_run)


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    with reading(file, "bad-document"):
        return file.read_text("utf-8")


def _show(applied: Applied, *, dry_run: bool) -> None:
    from modelport.cli.changes import print_changes

    changed = [change for change in applied.changes if change.kind != "unchanged"]
    print_changes(changed)
    for note in applied.notes:
        click.echo(f"note    {note}", err=True)
    if not changed:
        click.echo("nothing to change: it is wanted already")
    elif dry_run:
        click.echo(f"{len(changed)} changes, none made (--dry-run)")
