"""The command itself; everything heavy waits until it runs."""

from __future__ import annotations

import click


@click.command("quickstart")
@click.option("--exit", "leave", is_flag=True, help="Leave when done instead of serving on.")
def command(*, leave: bool) -> None:
    """Fit, pack, prove and serve models on real data, ask them, and show what came back. Needs no network."""
    from modelport.cli.quickstart.run import run

    run(stay=not leave)
