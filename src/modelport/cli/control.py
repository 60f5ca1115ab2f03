"""How a command reaches the control plane: as said, from the environment, or that of `modelport up` here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelport.cli import options

if TYPE_CHECKING:
    from modelport.client.control import Control

Command = Callable[..., None]
Reach = Callable[[], "Control"]
"""Opens the control plane that was said."""

_OPTIONS = (
    click.option(
        "--control",
        "control_url",
        envvar="MODELPORT_CONTROL",
        show_envvar=True,
        help="Address of the control plane; default: that of `modelport up` in this folder.",
    ),
    click.option("--key", envvar="MODELPORT_KEY", show_envvar=True, help="API key."),
    click.option(
        "--ca",
        type=options.path,
        envvar="MODELPORT_CA",
        show_envvar=True,
        help="Authorities that may vouch for the server, PEM; default: the usual ones.",
    ),
)


def connected(command: Command) -> Command:
    """Give a command `--control`, `--key` and `--ca`, and call it with an open `control`."""

    @wraps(command)
    def run(*arguments: Any, reach: Reach, **others: Any) -> None:
        with reach() as control:
            command(*arguments, control=control, **others)

    return reachable(run)


def reachable(command: Command) -> Command:
    """The same for a command that may do without: it opens a control plane with `reach()`."""

    @wraps(command)
    def run(
        *arguments: Any, control_url: str | None, key: str | None, ca: Path | None, **others: Any
    ) -> None:
        def reach() -> Control:
            from modelport.client.control import Control

            return Control(control_url, key=key, verify=str(ca) if ca else True)

        command(*arguments, reach=reach, **others)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
