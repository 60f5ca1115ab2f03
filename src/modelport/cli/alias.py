"""`modelport alias`: movable names of versions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.refs import parted
from modelport.core.names import parse_ref
from modelport.errors import NameInvalid

if TYPE_CHECKING:
    from modelport.client.control import Control

_alias = click.argument("alias", metavar="ALIAS", help="As churn@champion.")


@click.group("alias")
def group() -> None:
    """Name versions by what they are for. A deployment that names an alias follows it."""


@group.command("set")
@_alias
@click.argument("version", metavar="VERSION", help="A version of the model: 2, churn:2, or a label.")
@click.option(
    "--expected", type=click.IntRange(0), help="Only while the alias has this revision; 0: only when new."
)
@plane.connected
@options.as_json
def put(*, control: Control, alias: str, version: str, expected: int | None, as_json: bool) -> None:
    """Point an alias at a version, if the model's policy lets it."""
    from modelport.cli.output import print_json

    model, name = _named(alias)
    found = control.aliases.set(model, name, _version(version, model), expected=expected)
    if as_json:
        print_json(found)
        return
    click.echo(f"{model}@{found.name} is {model}:{found.version}")


@group.command("list")
@click.argument("model", help="The model.")
@plane.connected
@options.as_json
def show(*, control: Control, model: str, as_json: bool) -> None:
    """List the aliases of a model."""
    from modelport.cli.output import listing
    from modelport.cli.times import ago

    now = time.time()
    listing(
        control.aliases.list(model),
        ("alias", "version", "revision", "moved", "by"),
        lambda each: (
            f"{each.model}@{each.name}",
            str(each.version),
            str(each.revision),
            ago(each.updated, now),
            each.updated_by,
        ),
        as_json=as_json,
    )


@group.command("delete")
@_alias
@plane.connected
def delete(*, control: Control, alias: str) -> None:
    """Take an alias away; the version stays."""
    model, name = _named(alias)
    control.aliases.delete(model, name)
    click.echo(f"{model}@{name} is gone")


def _named(text: str) -> tuple[str, str]:
    found = parse_ref(text)
    if found.alias is None:
        msg = f"{text!r} names no alias"
        raise NameInvalid(msg, hint=f"write {found.name}@champion")
    return found.name, found.alias


def _version(text: str, model: str) -> str:
    """`2` of both `2` and `churn:2`."""
    if not text.startswith(f"{model}:"):
        return text
    return parted(text)[1] or text
