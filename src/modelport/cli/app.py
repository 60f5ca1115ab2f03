"""The command line as a tree of commands. Importing it imports no command's machinery."""

from __future__ import annotations

import typer

from modelport.cli import inspect, keys, pack, predict, serve, version
from modelport.cli.guard import Guarded
from modelport.cli.quickstart import command as quickstart

app = typer.Typer(
    name="modelport",
    cls=Guarded,
    help="Take a trained model into production: pack, prove, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help takes half the time, and a log can hold it
)
app.command("pack")(pack.command)
app.command("inspect")(inspect.command)
app.command("serve")(serve.command)
app.command("predict")(predict.command)
app.add_typer(keys.app, name="keys")
app.command("quickstart")(quickstart.command)
app.command("version")(version.command)
