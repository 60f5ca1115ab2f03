"""The command line as a tree of commands. Importing it imports none of them."""

from __future__ import annotations

from modelport.cli.guard import Guarded

_PLACES = {
    "pack": "pack:command",
    "quantize": "quantize:command",
    "compile": "compile:command",
    "inspect": "inspect:command",
    "tune": "tune.command:command",
    "serve": "serve:command",
    "predict": "predict:command",
    "up": "up:command",
    "register": "register:command",
    "deploy": "deploy:deploy",
    "activate": "deploy:activate",
    "apply": "apply:command",
    "schema": "schema:command",
    "rollout": "rollout.command:group",
    "models": "models:group",
    "alias": "alias:group",
    "diff": "diff:command",
    "feedback": "feedback:command",
    "logs": "logs:command",
    "audit": "audit:command",
    "config": "config:group",
    "keys": "keys:group",
    "secrets": "secrets:group",
    "backup": "backup:command",
    "restore": "restore:command",
    "doctor": "doctor:command",
    "quickstart": "quickstart.command:command",
    "version": "version:command",
    "completion": "completion:command",
}

app = Guarded(
    {name: f"modelport.cli.{place}" for name, place in _PLACES.items()},
    name="modelport",
    help="Take a trained model into production, and keep it there: pack, serve, roll out.",
    no_args_is_help=True,
    context_settings={"show_default": True},
)
