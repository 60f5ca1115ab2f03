"""`modelport completion`."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument(
    "shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL", help="bash, zsh or fish."
)
@click.pass_context
def command(context: click.Context, *, shell: str) -> None:
    """Print the script that teaches a shell to complete commands and options."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "Click knows these three"
    click.echo(kind(context.find_root().command, {}, "modelport", "_MODELPORT_COMPLETE").source())
