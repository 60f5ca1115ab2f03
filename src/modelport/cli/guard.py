"""How commands end: 0 done, 2 an error of ours in one line, 130 interrupted. A bug keeps its traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from modelport.cli.inert import inert
from modelport.errors import ModelportError


class Guarded(TyperGroup):
    """A command group that turns our errors into a line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except ModelportError as error:
            show(error)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(130) from error


def show(error: ModelportError) -> None:
    """One red line with the hint on standard error; further places on lines of their own."""
    typer.secho(f"error: {inert(str(error))}", fg="red", err=True)
    for note in getattr(error, "__notes__", ()):
        typer.echo(f"  {inert(note)}", err=True)
