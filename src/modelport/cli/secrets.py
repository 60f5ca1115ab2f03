"""`modelport secrets`: values that documents name as `secret://name`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options

if TYPE_CHECKING:
    from modelport.client.control import Control

_name = click.argument("name", metavar="NAME", help="As in secret://NAME.")


@click.group("secrets")
def group() -> None:
    """Keep values that documents refer to. They are encrypted, and never shown again."""


@group.command("set")
@_name
@plane.connected
def put(*, control: Control, name: str) -> None:
    """Keep a value, asked for without echo or read from standard input: arguments are seen by others."""
    value = click.prompt("value", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    control.secrets.put(name, value)
    click.echo(f"secret://{name} is kept")


@group.command("list")
@plane.connected
@options.as_json
def show(*, control: Control, as_json: bool) -> None:
    """List the names."""
    from modelport.cli.output import listing

    listing(control.secrets.list(), ("secret",), lambda name: (f"secret://{name}",), as_json=as_json)


@group.command("delete")
@_name
@plane.connected
def delete(*, control: Control, name: str) -> None:
    """Forget a value."""
    control.secrets.delete(name)
    click.echo(f"secret://{name} is gone")
