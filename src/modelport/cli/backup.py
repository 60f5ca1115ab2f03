"""`modelport backup`: all that must not be lost, as one file, while everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options

if TYPE_CHECKING:
    from modelport.client.control import Control


@click.command("backup")
@click.argument("file", type=options.path, help="Where to write it, as backup.tar; never over what is there.")
@plane.connected
def command(*, control: Control, file: Path) -> None:
    """Save database and stored bundles in one consistent file; it is there only when it is whole."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn

    from modelport.errors import SettingsError

    if file.exists():
        msg = f"{file.name!r} is there already"
        raise SettingsError(msg, code="file-exists", hint="name another file")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("saving", total=None)
        control.backup.save(file, progress=lambda got, _: bars.update(task, completed=got))
    click.echo(f"{file.name}: {file.stat().st_size:,} bytes")
