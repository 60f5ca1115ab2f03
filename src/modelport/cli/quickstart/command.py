"""The command itself; everything heavy waits until it runs."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    leave: Annotated[bool, typer.Option("--exit", help="Leave when done instead of serving on.")] = False,
) -> None:
    """Fit, pack, prove and serve models on real data, ask them, and show what came back. Needs no network."""
    from modelport.cli.quickstart.run import run

    run(stay=not leave)
