"""`modelport logs`: what the control plane and its replicas wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options, times
from modelport.cli.inert import inert

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.sights import LogLine

_COLOURS = {"error": "red", "warning": "yellow", "debug": "bright_black"}


@click.command("logs")
@click.option("--service", help="Only of one service: control, model-deployment.")
@click.option("--model-id", help="Only of one model.")
@click.option("--since", type=times.Since(), default="1h", help="From when on: 1h, 30m, or a time.")
@click.option("--follow", is_flag=True, help="Go on with what comes.")
@plane.connected
@options.as_json
def command(
    *, control: Control, service: str | None, model_id: str | None, since: float, follow: bool, as_json: bool
) -> None:
    """Print the logs of the control plane and of the replicas of its machine, merged by time."""
    from modelport.cli.output import print_json

    read = control.logs.follow if follow else control.logs.read
    for line in read(service=service, model=model_id, since=since):
        if as_json:
            print_json(line)
        else:
            _print(line)


def _print(line: LogLine) -> None:
    said = " ".join(f"{name}={value}" for name, value in line.fields.items())
    subject = f" {line.model}" if line.model else ""
    text = f"{times.moment(line.at)} {line.level:<7} {line.service}{subject}  {line.message}  {said}"
    click.secho(inert(text.rstrip()), fg=_COLOURS.get(line.level))
