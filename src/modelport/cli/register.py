"""`modelport register`: a bundle becomes a version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.inert import inert

if TYPE_CHECKING:
    from modelport.client.calls import Progress
    from modelport.client.control import Control

_SHOWN_FROM = 8 * 1024 * 1024
"""A smaller bundle is there before a bar could be read."""


@click.command("register")
@click.argument("bundle", type=options.path, help="The bundle, a directory or a .zip.")
@click.option("--name", help="The model; default: the name in the bundle.")
@click.option("--version", "label", help="A label for people, as 2.1.0; default: the bundle's own.")
@click.option("--new-version", is_flag=True, help="Make another version of a bundle that has one.")
@click.option("--parent", type=click.IntRange(1), help="Version that this one was made from.")
@click.option("--dataset", default="", help="Dataset it was trained on.")
@click.option("--training-run", default="", help="Run that trained it.")
@plane.connected
@options.as_json
def command(
    *,
    control: Control,
    bundle: Path,
    name: str | None,
    label: str | None,
    new_version: bool,
    parent: int | None,
    dataset: str,
    training_run: str,
    as_json: bool,
) -> None:
    """Give a bundle a version number. The same bundle again is the version it was."""
    from modelport.bundle.parcel import parcel
    from modelport.bundle.reader import open_bundle
    from modelport.cli.output import print_json

    with open_bundle(bundle) as opened:
        model = name or opened.about.name
    with parcel(bundle) as file, _bar(bundle.name, file.stat().st_size) as progress:
        version = control.versions.register(
            model,
            file,
            label=label,
            new_version=new_version,
            parent=parent,
            dataset=dataset,
            training_run=training_run,
            progress=progress,
            deadline=3600.0,
        )
    if as_json:
        print_json(version)
        return
    click.echo(version.id)
    click.echo(f"next    modelport deploy {version.id}", err=True)


@contextmanager
def _bar(name: str, size: int) -> Iterator[Progress | None]:
    """A bar for what takes more than a moment to send."""
    if size < _SHOWN_FROM:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True)) as bars:
        task = bars.add_task(inert(name), total=size)
        yield lambda sent, _: bars.update(task, completed=sent)
