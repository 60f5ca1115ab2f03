"""The command itself; everything heavy waits until it runs."""

from __future__ import annotations

import click


@click.command("quickstart")
@click.option("--exit", "leave", is_flag=True, help="Leave when done instead of serving on.")
def command(*, leave: bool) -> None:
    """Start the whole platform on real data; let a better version go live, and a worse one go back."""
    from modelport.cli.quickstart.run import run

    run(stay=not leave)
