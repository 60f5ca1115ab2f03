"""A rollout as it goes: live on a terminal, a line for each change where there is none."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from modelport.cli.inert import inert
from modelport.cli.rollout import show
from modelport.core.rollout import ENDED, Phase
from modelport.errors import ModelFailed, NotFound, Overloaded

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.deployment import Deployment
    from modelport.core.rollout import Progress

SETTLED: frozenset[Phase] = ENDED | {"promoted", "judging", "paused", "holding"}
"""The version answers, with all traffic or with its share; or it never will."""
_PACE = 0.1
_BEGIN_SECONDS = 30.0
_WISH_SECONDS = 5.0
"""How long a command waits for the control plane to do as it was told: a pass takes a moment."""


def watch(control: Control, endpoint: str) -> None:
    """Show it until it has ended. Ctrl-C ends the view, not the rollout."""
    console = Console()
    if not console.is_terminal:
        for seen in control.rollouts.watch(endpoint):
            console.print(_line(seen), soft_wrap=True)
        return
    with Live(console=console, auto_refresh=False) as live:
        for seen in control.rollouts.watch(endpoint):
            live.update(show.status(seen, time.time()), refresh=True)


def until_settled(control: Control, deployment: Deployment, *, quiet: bool) -> Progress:
    """Wait until the rollout of a deployment has its first traffic; raises `ModelFailed` when it fails or
    cannot be planned."""
    endpoint = deployment.endpoint
    console = Console(stderr=True, quiet=quiet)
    with console.status(f"{inert(endpoint)}: preparing") as status:
        seen = _begun(control, deployment)
        while seen.rollout.phase not in SETTLED:
            status.update(inert(f"{endpoint}: {seen.rollout.phase} {show.said(seen)}"))
            _check(control, endpoint)
            time.sleep(_PACE)
            seen = control.rollouts.get(endpoint)
    if seen.rollout.phase == "failed":
        msg = f"{endpoint}:{seen.rollout.spec.candidate} cannot be served: {seen.rollout.reason}"
        raise ModelFailed(
            msg, code="rollout-failed", hint=f"`modelport logs --model-id {endpoint}` tells more"
        )
    Console(quiet=quiet, file=sys.stdout).print(_line(seen), soft_wrap=True)
    return seen


def carried_out(control: Control, asked: Progress, phases: frozenset[Phase]) -> Progress:
    """The rollout once it is where a person wished it to be; as it is when that takes longer than a pass."""
    deadline, seen = time.monotonic() + _WISH_SECONDS, asked
    while seen.rollout.phase not in phases and time.monotonic() < deadline:
        time.sleep(_PACE)
        seen = control.rollouts.get(asked.rollout.spec.endpoint, asked.rollout.id)
    return seen


def _begun(control: Control, deployment: Deployment) -> Progress:
    """The rollout of what is wanted now; the control plane begins it a moment after it was wanted."""
    deadline = time.monotonic() + _BEGIN_SECONDS
    while True:
        try:
            seen = control.rollouts.get(deployment.endpoint)
            if seen.rollout.generation >= deployment.generation:
                return seen
        except NotFound:
            pass
        _check(control, deployment.endpoint)
        if time.monotonic() > deadline:
            msg = f"no rollout of {deployment.endpoint} has begun"
            raise Overloaded(msg, code="rollout-waits", hint="`modelport doctor` says what is wrong")
        time.sleep(_PACE)


def _check(control: Control, endpoint: str) -> None:
    """Raises `ModelFailed` (`not-planned`) when what is wanted cannot be put into a plan."""
    trouble = control.deployments.get(endpoint).trouble
    if trouble:
        msg = f"{endpoint} stays as it is: {trouble}"
        hint = f"it is tried again; `modelport models status --model-id {endpoint}` shows it"
        raise ModelFailed(msg, code="not-planned", hint=hint)


def _line(seen: Progress) -> str:
    spec = seen.rollout.spec
    shares = " ".join(f"{version}={weight / 100:g}%" for version, weight in sorted(seen.shares.items()))
    live = seen.rollout.phase == "ended" and set(seen.shares) == {seen.rollout.version}
    phase = "live" if live else seen.rollout.phase
    line = f"{spec.endpoint}:{spec.candidate}  {phase}  {shares}  {show.said(seen)}"
    return inert(line.rstrip())
