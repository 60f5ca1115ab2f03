"""`modelport up`: a control plane and a replica beside it, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import options

if TYPE_CHECKING:
    from modelport.assembly.run import Started


@click.command("up")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, help="Where predictions are answered.")
@click.option(
    "--control-port", type=click.IntRange(0, 65_535), default=8080, help="Where the control API answers."
)
@click.option("--host", default="127.0.0.1", help="Address of both; anything but loopback needs keys.")
@click.option(
    "--state",
    type=options.path,
    default=Path(".modelport"),
    help="Folder that keeps everything, unless URLs do.",
)
@click.option("--database", help="postgresql://user@host/name; default: a SQLite file in the folder.")
@click.option(
    "--artifacts", help="s3://bucket/prefix, gs://, az:// or file://; default: a folder in the folder."
)
@click.option(
    "--workers", type=click.IntRange(0), default=1, help="Processes that answer; 0 means one per core."
)
@click.option(
    "--memory", type=options.Bytes(), default=0, help="Bytes for loaded models, as 4GiB; 0: no limit."
)
@click.option("--allow-python", is_flag=True, help="Serve bundles that hold executable code.")
@click.option("--guarded", is_flag=True, help="Callers need keys for predictions on loopback too.")
@click.option("--tls-cert", type=options.path, help="Certificate chain for HTTPS of both, PEM; watched.")
@click.option("--tls-key", type=options.path, help="Private key of --tls-cert, PEM; watched.")
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    help="Host name to answer for, besides loopback; repeatable; * is all.",
)
def command(
    *,
    port: int,
    control_port: int,
    host: str,
    state: Path,
    database: str | None,
    artifacts: str | None,
    workers: int,
    memory: int,
    allow_python: bool,
    guarded: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_hosts: tuple[str, ...],
) -> None:
    """Run the whole platform on this machine until Ctrl-C; started again, it is as it was.

    The control plane keeps what is wanted, and the replica beside it answers predictions, also while the
    control plane is away. Commands typed in the same folder find both, and the first key, by themselves.
    """
    _require()
    from modelport.assembly.platform import Where
    from modelport.assembly.run import UNENCRYPTED, Up, run
    from modelport.serving.checks import check_tls

    serving = {"workers": workers, "memory": memory, "allow_python": allow_python}
    where = Where(state, database, artifacts)
    check_tls(tls_cert, tls_key)
    wanted = Up(where, host, control_port, port, serving, guarded, tls_cert, tls_key, allow_hosts)
    if wanted.is_open:
        click.secho(
            f"warning: keys and data cross the network unencrypted ({UNENCRYPTED})", fg="yellow", err=True
        )
    run(wanted, lambda started: _tell(started, state))


def _require() -> None:
    from importlib.util import find_spec

    from modelport.errors import SettingsError

    if missing := [
        name for name in ("sqlalchemy", "alembic", "fastapi", "uvicorn") if find_spec(name) is None
    ]:
        msg = f"the control plane needs {', '.join(missing)}"
        raise SettingsError(msg, code="extra-missing", hint="pip install 'modelport[platform]'")


def _tell(started: Started, state: Path) -> None:
    """What is up, and what to type next; the first key this once."""
    click.echo(f"predictions  {started.url}")
    click.echo(f"control API  {started.control}")
    if started.adopted:
        click.echo("The replica went on while the control plane was away, and is kept.")
    if started.first_key:
        click.echo(f"first key    {started.first_key}")
        click.echo(f"             shown this once; commands in this folder find it in {state / 'key'}")
    click.echo("next         modelport register churn.bundle     (Ctrl-C here ends everything)")
