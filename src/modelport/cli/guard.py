"""How commands end: 0 done, 2 an error of ours in one line, 130 interrupted. A bug keeps its traceback."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.exceptions import Exit

from modelport.cli.inert import inert
from modelport.errors import ModelportError


class Guarded(click.Group):
    """A command group that turns our errors into a line and an exit code.

    `places` says where each command is, as `module:name`. It is imported when it is asked for: none waits for
    the others.
    """

    def __init__(self, places: Mapping[str, str], **others: Any) -> None:
        super().__init__(**others)
        self._places = dict(places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's
        """The command of this name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(module), name)
        assert isinstance(found, click.Command)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except ModelportError as error:
            show(error)
            raise Exit(2) from error
        except KeyboardInterrupt as error:
            raise Exit(130) from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """The commands in the order they were given, which is the order they are needed in."""
        return list(self._places)


def show(error: ModelportError) -> None:
    """One red line with the hint on standard error; further places on lines of their own."""
    click.secho(f"error: {inert(str(error))}", fg="red", err=True)
    for note in getattr(error, "__notes__", ()):
        click.echo(f"  {inert(note)}", err=True)
