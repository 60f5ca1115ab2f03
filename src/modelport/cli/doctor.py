"""`modelport doctor`: is everything as it should be, and what can be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.inert import inert

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.sights import Check


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Mend what can be mended safely.")
@plane.connected
@options.as_json
def command(*, control: Control, repair: bool, as_json: bool) -> None:
    """Check database, journal, artifacts, plans, replicas and disk. Ends with 1 when something is wrong."""
    from modelport.cli.output import print_json

    checks = control.doctor.repair() if repair else control.doctor.examine()
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            _print(check)
    if not all(check.ok or check.repaired for check in checks):
        raise Exit(1)


def _print(check: Check) -> None:
    sign, colour = ("✓", "green") if check.ok else ("✓", "yellow") if check.repaired else ("✗", "red")
    click.secho(inert(f"{sign} {check.name}: {check.message}"), fg=colour)
    if check.repair and not check.ok:
        done = "mended" if check.repaired else "modelport doctor --repair"
        click.echo(inert(f"  {done}: {check.repair}"))
