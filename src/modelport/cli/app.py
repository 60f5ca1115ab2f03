"""The command line as a tree of commands. Importing it imports no command's machinery."""

from __future__ import annotations

from modelport.cli import compile as compiling
from modelport.cli import completion, inspect, keys, pack, predict, quantize, serve, version
from modelport.cli.guard import Guarded
from modelport.cli.quickstart import command as quickstart
from modelport.cli.tune import command as tune

app = Guarded(
    name="modelport",
    help="Take a trained model into production: pack, prove, serve.",
    no_args_is_help=True,
    context_settings={"show_default": True},
    commands=[
        pack.command,
        quantize.command,
        compiling.command,
        inspect.command,
        tune.command,
        serve.command,
        predict.command,
        keys.group,
        quickstart.command,
        version.command,
        completion.command,
    ],
)
