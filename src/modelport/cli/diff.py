"""`modelport diff`: what differs between two versions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.refs import named
from modelport.errors import NameInvalid

if TYPE_CHECKING:
    from modelport.client.control import Control


@click.command("diff")
@click.argument("before", help="A version, as churn:1.")
@click.argument("after", help="A version of the same model, as churn:2.")
@plane.connected
@options.as_json
def command(*, control: Control, before: str, after: str, as_json: bool) -> None:
    """Say what differs between two versions: contract, parameters, files, metrics."""
    from modelport.cli.changes import show_differences

    (model, first), (other, second) = named(before), named(after)
    if model != other:
        msg = f"{before} and {after} are versions of different models"
        raise NameInvalid(msg, hint=f"modelport diff {model}:1 {model}:2")
    changes = control.models.diff(model, first, second)
    show_differences(changes, as_json=as_json)
