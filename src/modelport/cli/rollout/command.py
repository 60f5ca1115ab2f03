"""The commands of `modelport rollout`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.refs import parted
from modelport.core.rollout import ENDED, Phase

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.rollout import Progress

PAUSED: frozenset[Phase] = frozenset({"paused"})
GOING_ON: frozenset[Phase] = ENDED | {"preparing", "judging", "promoted"}
PROMOTED: frozenset[Phase] = ENDED | {"promoted"}

_endpoint = click.argument("endpoint", metavar="ENDPOINT", help="The endpoint, which has its model's name.")


@click.group("rollout")
def group() -> None:
    """Watch a rollout, and say what it is to do."""


@group.command("status")
@_endpoint
@click.option("--watch", is_flag=True, help="Show it live until it has ended.")
@click.option("--id", "rollout", help="An earlier rollout; default: the one under way, or the last.")
@plane.connected
@options.as_json
def status(*, control: Control, endpoint: str, watch: bool, rollout: str | None, as_json: bool) -> None:
    """Say who answers, what the evidence shows, what comes next and why."""
    name, _ = parted(endpoint)
    if watch:
        from modelport.cli.rollout import watch as live

        live.watch(control, name)
        return
    _show(control.rollouts.get(name, rollout), as_json=as_json)


@group.command("history")
@_endpoint
@click.option("--id", "rollout", help="An earlier rollout; default: the one under way, or the last.")
@plane.connected
@options.as_json
def history(*, control: Control, endpoint: str, rollout: str | None, as_json: bool) -> None:
    """List every decision of a rollout with its reason."""
    from modelport.cli.output import print_json
    from modelport.cli.times import moment

    found = list(control.rollouts.decisions(endpoint, rollout or control.rollouts.get(endpoint).rollout.id))
    if as_json:
        print_json(found)
        return
    from rich.console import Console

    from modelport.cli.rollout import show

    Console().print(show.history(found, {each.number: moment(each.at) for each in found}))


@group.command("list")
@_endpoint
@plane.connected
@options.as_json
def past(*, control: Control, endpoint: str, as_json: bool) -> None:
    """List the rollouts of an endpoint, the newest first."""
    from modelport.cli.output import listing
    from modelport.cli.times import moment

    listing(
        control.rollouts.list(endpoint),
        ("id", "began", "from", "to", "strategy", "phase", "reason"),
        lambda each: (
            each.id,
            moment(each.began),
            str(each.baseline or "-"),
            str(each.spec.candidate),
            each.spec.strategy,
            each.phase,
            each.reason,
        ),
        as_json=as_json,
    )


@group.command("pause")
@_endpoint
@plane.connected
@options.as_json
def pause(*, control: Control, endpoint: str, as_json: bool) -> None:
    """Leave the split as it is until `resume`; evidence goes on being counted."""
    _carried_out(control, control.rollouts.pause(endpoint), PAUSED, as_json=as_json)


@group.command("resume")
@_endpoint
@plane.connected
@options.as_json
def resume(*, control: Control, endpoint: str, as_json: bool) -> None:
    """Go on with a rollout that was paused, or that waits for a person."""
    _carried_out(control, control.rollouts.resume(endpoint), GOING_ON, as_json=as_json)


@group.command("promote")
@_endpoint
@plane.connected
@options.as_json
def promote(*, control: Control, endpoint: str, as_json: bool) -> None:
    """Give the candidate all traffic now, whatever the evidence says."""
    _carried_out(control, control.rollouts.promote(endpoint), PROMOTED, as_json=as_json)


@group.command("rollback")
@_endpoint
@plane.connected
@options.as_json
def rollback(*, control: Control, endpoint: str, as_json: bool) -> None:
    """Give the former version all traffic now."""
    _carried_out(control, control.rollouts.rollback(endpoint), ENDED, as_json=as_json)


def _carried_out(control: Control, asked: Progress, phases: frozenset[Phase], *, as_json: bool) -> None:
    from modelport.cli.rollout import watch as live

    _show(live.carried_out(control, asked, phases), as_json=as_json)


def _show(seen: Progress, *, as_json: bool) -> None:
    from modelport.cli.output import print_json

    if as_json:
        print_json(seen)
        return
    from rich.console import Console

    from modelport.cli.rollout import show

    Console().print(show.status(seen, time.time()))
