"""`modelport restore`: a platform as it was when it was saved."""

from __future__ import annotations

import time
from pathlib import Path

import click

from modelport.cli import options


@click.command("restore")
@click.argument("file", type=options.path, help="What `modelport backup` wrote.")
@click.option(
    "--state",
    type=options.path,
    default=Path(".modelport"),
    help="Folder to restore into; nothing may be kept there.",
)
@click.option(
    "--database", help="An empty database, as postgresql://user@host/name; default: a file in the folder."
)
@click.option("--artifacts", help="Where bundles go, as s3://bucket/prefix; default: a folder in the folder.")
@options.as_json
def command(*, file: Path, state: Path, database: str | None, artifacts: str | None, as_json: bool) -> None:
    """Restore into an empty folder or database, every digest verified. `modelport up` then starts from there.

    The restored control plane begins a new epoch: its plans count, whatever the lost one published since.
    """
    from modelport.assembly.files import held
    from modelport.cli.output import print_json
    from modelport.db.backup.restore import restore
    from modelport.db.connect import Database
    from modelport.errors import SettingsError
    from modelport.storage.urls import open_store

    with held(state):
        folder = state.resolve()
        store = open_store(artifacts or (folder / "artifacts").as_uri())
        opened = Database(database or f"sqlite:///{folder / 'modelport.db'}")
        try:
            with file.open("rb") as source:
                restored = restore(opened, store, source, time.time(), folder=folder)
        except FileNotFoundError as error:
            msg = f"there is no file {file.name!r}"
            raise SettingsError(msg, code="no-such-file", hint="check the path") from error
        finally:
            opened.close()
    if as_json:
        print_json(restored)
        return
    click.echo(f"{file.name} is restored: epoch {restored.epoch}")
    click.echo("keys    those of the backup hold: set MODELPORT_KEY, or bring .modelport/key", err=True)
    click.echo("next    modelport up", err=True)
