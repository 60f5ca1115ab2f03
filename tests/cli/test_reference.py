"""The page about the command line says what the command line says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from modelport.cli.app import app
from modelport.serving.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text("utf-8")


def commands(command: click.Command, path: str = "modelport") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, f"{path} {name}")
    else:
        yield path, command


COMMANDS = dict(commands(app))


def section(path: str) -> str:
    _, _, rest = PAGE.partition(f"\n## `{path}`\n")
    return rest.partition("\n## ")[0]


def test_the_page_has_a_section_for_each_command_and_no_other() -> None:
    assert set(re.findall(r"^## `(.*)`$", PAGE, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_section_says_what_help_says(path: str) -> None:
    text, command = section(path), COMMANDS[path]
    assert command.help is not None
    assert command.help.strip() in text
    assert all(f"| {param.help} |" in text for param in command.params)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_table_lists_exactly_the_options_there_are(path: str) -> None:
    rows = [line.split("|")[1] for line in section(path).splitlines() if line.startswith("| `")]
    written = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    there = {
        name
        for param in COMMANDS[path].params
        for name in (
            (*param.opts, *param.secondary_opts)
            if isinstance(param, click.Option)
            else [param.metavar or param.name.upper()]
        )
    }
    assert written == there


def test_every_setting_of_the_server_is_an_option_of_serve_with_the_same_default() -> None:
    given = COMMANDS["modelport serve"].make_context("serve", []).params
    for field in msgspec.structs.fields(Settings):
        value = given.pop(field.name)
        if isinstance(field.default, int | float | str | tuple | None):
            assert value == field.default, field.name
    assert given == {}


def test_no_parameter_and_no_command_is_hidden() -> None:
    for command in COMMANDS.values():
        assert not command.hidden
        assert not any(param.hidden for param in command.params if isinstance(param, click.Option))


SHOWING = (
    "pack", "quantize", "compile", "tune", "inspect", "register", "deploy", "apply", "diff", "feedback",
    "logs", "audit", "doctor", "rollout status", "rollout history", "rollout list", "models list",
    "models status", "models versions", "alias list", "config list", "config history", "config diff",
    "secrets list", "keys create", "keys list", "version",
)  # fmt: skip


@pytest.mark.parametrize("path", SHOWING)
def test_what_shows_something_can_print_json(path: str) -> None:
    options = {name for param in COMMANDS[f"modelport {path}"].params for name in param.opts}
    assert "--json" in options


@pytest.mark.parametrize("code", ["0", "1", "2", "130"])
def test_every_exit_code_is_documented(code: str) -> None:
    assert f"**{code}**" in PAGE.partition("\n## ")[0]
