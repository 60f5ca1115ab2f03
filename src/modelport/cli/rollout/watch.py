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
from modelport.errors import ModelFailed

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.rollout import Progress

SETTLED: frozenset[Phase] = ENDED | {"promoted", "judging", "paused", "holding"}
"""The version answers, with all traffic or with its share; or it never will."""


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


def until_settled(control: Control, endpoint: str, *, quiet: bool) -> Progress | None:
    """Wait until a rollout has its first traffic; raises `ModelFailed` (`rollout-failed`) when it fails."""
    console = Console(stderr=True, quiet=quiet)
    seen: Progress | None = None
    with console.status(f"{inert(endpoint)}: preparing") as status:
        for seen in control.rollouts.watch(endpoint):
            status.update(inert(f"{endpoint}: {seen.rollout.phase} {show.said(seen)}"))
            if seen.rollout.phase in SETTLED:
                break
    if seen is None:
        return None
    if seen.rollout.phase == "failed":
        msg = f"{endpoint}:{seen.rollout.spec.candidate} cannot be served: {seen.rollout.reason}"
        raise ModelFailed(
            msg, code="rollout-failed", hint=f"`modelport logs --model-id {endpoint}` tells more"
        )
    Console(quiet=quiet, file=sys.stdout).print(_line(seen), soft_wrap=True)
    return seen


def _line(seen: Progress) -> str:
    spec = seen.rollout.spec
    shares = " ".join(f"{version}={weight / 100:g}%" for version, weight in sorted(seen.shares.items()))
    line = f"{spec.endpoint}:{spec.candidate}  {seen.rollout.phase}  {shares}  {show.said(seen)}"
    return inert(line.rstrip())
