"""The contest on a running platform: a better model goes live by itself, a worse one goes back by itself."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from modelport.bundle.parcel import parcel
from modelport.cli.quickstart.contest import NAME, Contest
from modelport.cli.quickstart.platform import Up
from modelport.cli.quickstart.traffic import Traffic
from modelport.cli.rollout import show
from modelport.client import Client
from modelport.client.control import Control
from modelport.core.rollout import ENDED, Phase, Progress, Promote, Rollback

_OVER: frozenset[Phase] = ENDED | {"promoted"}
_PACE = 0.25
QUICK = {
    "strategy": "canary",
    "steps": ["25%", "100%"],
    "min_requests": 200,
    "min_duration": "3s",
    "keep_warm": "2s",
    "promotion_criteria": {"error_rate": "< 1%", "accuracy_threshold": 0.75},
}
"""A canary that decides within seconds; real ones take ten minutes at least, unless told otherwise."""


def deploy(up: Up, name: str, *bundles: Path) -> None:
    """Register the bundles as versions of a model, and deploy the first."""
    with Control(up.control, key=up.key) as control:
        for bundle in bundles:
            with parcel(bundle) as file:
                control.versions.register(name, file)
        control.deployments.deploy(name, 1)
        _settle(control, name, 1)


def tell(console: Console, up: Up, contest: Contest) -> None:
    """Try the second and the third contender under real traffic; the first one is deployed."""
    with Control(up.control, key=up.key) as control, Client(up.url, up.key) as client:
        console.print(f"[green]✓[/green] {NAME}:1, {contest.contenders[0].about}, answers")
        rows = list(zip(contest.items, contest.truths, strict=True))
        with Traffic(client, control, NAME, rows) as traffic:
            for number, contender in list(enumerate(contest.contenders, 1))[1:]:
                console.print(f"\n{NAME}:{number}, {contender.about}, gets 25 % of the traffic:")
                _try(console, control, number)
        console.print(
            f"\n{traffic.answered:,} requests were answered meanwhile, {traffic.failed} failed;"
            f" by version: {', '.join(f'{at}: {n:,}' for at, n in sorted(traffic.versions.items()))}"
        )


def _try(console: Console, control: Control, version: int) -> None:
    """Apply the canary, show it until it is over, and say how it ended."""
    text = msgspec.json.encode({"deployment": {**QUICK, "version": version}}).decode()
    control.deployments.apply(text, json=True, model=NAME)
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        seen = _settle(control, NAME, version, live)
    console.print(f"[green]✓[/green] {NAME}:{version} is {_ended(control, seen)}")
    _wait_until_free(control)


def _ended(control: Control, seen: Progress) -> str:
    """How a rollout ended, and why."""
    decisions = [each.decision for each in control.rollouts.decisions(NAME, seen.rollout.id)]
    last = next(each for each in reversed(decisions) if isinstance(each, Promote | Rollback))
    how = "promoted" if isinstance(last, Promote) else "rolled back"
    return f"{how}: {escape(last.reason)}"


def _settle(control: Control, name: str, version: int, live: Live | None = None) -> Progress:
    """Wait until the rollout to a version is over, showing it."""
    while True:
        found = list(control.rollouts.list(name))
        if found and found[0].spec.candidate == version:
            seen = control.rollouts.get(name)
            if live is not None:
                live.update(show.status(seen, time.time()), refresh=True)
            if seen.rollout.phase in _OVER:
                return seen
        time.sleep(_PACE)


def _wait_until_free(control: Control) -> None:
    """Until the former version was let go, so that the next story begins from rest."""
    while control.rollouts.get(NAME).rollout.phase not in ENDED:
        time.sleep(_PACE)
