"""`modelport audit`: who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options, times

if TYPE_CHECKING:
    from modelport.client.control import Control

_SHOWN = 80
"""Characters of a detail in the table."""


@click.command("audit")
@click.option("--since", type=times.Since(), default="1d", help="From when on: 1h, 7d, or a time.")
@click.option("--actor", help="Only of one key, by its name.")
@click.option("--action", help="Only one kind, as model.register.")
@click.option("--resource", help="Only what was done to one thing, as churn:2.")
@plane.connected
@options.as_json
def command(
    *,
    control: Control,
    since: float,
    actor: str | None,
    action: str | None,
    resource: str | None,
    as_json: bool,
) -> None:
    """List what was done and refused, the newest first, from a journal that shows what is taken out of it."""
    from modelport.cli.changes import spelled
    from modelport.cli.output import listing

    listing(
        control.audit.list(since=since, actor=actor, action=action, resource=resource),
        ("number", "when", "who", "what", "to", "result", "detail"),
        lambda each: (
            str(each.number),
            times.moment(each.at),
            each.actor,
            each.action,
            each.resource,
            each.result,
            _brief(spelled(each.detail)) if each.detail else "",
        ),
        as_json=as_json,
    )


def _brief(text: str) -> str:
    """What fits beside the rest; `--json` has all of it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
