"""`modelport deploy` and `modelport activate`: say which version an endpoint should answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.refs import named

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.deployment import Deployment

_version = click.argument("version", metavar="VERSION", help="As churn:2, or churn@champion.")
_wait = click.option("--wait/--no-wait", default=True, help="Wait until it answers, or cannot.")


@click.command("deploy")
@_version
@_wait
@plane.connected
@options.as_json
def deploy(*, control: Control, version: str, wait: bool, as_json: bool) -> None:
    """Bring a version to its endpoint, by the strategy that was applied to it; at once when there is none."""
    model, ref = named(version)
    _show(control, control.deployments.deploy(model, ref), wait=wait, as_json=as_json)


@click.command("activate")
@_version
@_wait
@plane.connected
@options.as_json
def activate(*, control: Control, version: str, wait: bool, as_json: bool) -> None:
    """Give a version all traffic as soon as it is ready, whatever strategy there is."""
    model, ref = named(version)
    _show(control, control.deployments.activate(model, ref), wait=wait, as_json=as_json)


def _show(control: Control, deployment: Deployment, *, wait: bool, as_json: bool) -> None:
    from modelport.cli.output import print_json
    from modelport.cli.rollout.watch import until_settled

    settled = until_settled(control, deployment, quiet=as_json) if wait else None
    if as_json:
        print_json(settled or deployment)
    elif settled is None:
        click.echo(f"{deployment.endpoint}: generation {deployment.generation} is wanted")
        click.echo(f"next    modelport rollout status {deployment.endpoint} --watch", err=True)
