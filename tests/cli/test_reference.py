"""The page about the command line says what the command line says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from modelport.cli.app import app
from modelport.serving.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text("utf-8")


def commands(command: Any, path: str = "modelport") -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")
    if not hasattr(command, "commands"):
        yield path, command


COMMANDS = dict(commands(typer.main.get_command(app)))


def section(path: str) -> str:
    _, _, rest = PAGE.partition(f"\n## `{path}`\n")
    return rest.partition("\n## ")[0]


def test_the_page_has_a_section_for_each_command_and_no_other() -> None:
    assert set(re.findall(r"^## `(.*)`$", PAGE, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_section_says_what_help_says(path: str) -> None:
    text, command = section(path), COMMANDS[path]
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
            if param.param_type_name == "option"
            else [param.metavar or param.name.upper()]
        )
    }
    assert written == there


def test_every_setting_of_the_server_is_an_option_of_serve_with_the_same_default() -> None:
    options = {param.name: param for param in COMMANDS["modelport serve"].params}
    renamed = {"allow_hosts": "allow_host", "limits": "limit"}
    for field in msgspec.structs.fields(Settings):
        option = options.pop(renamed.get(field.name, field.name))
        if isinstance(field.default, int | float | str):
            assert option.default == field.default, field.name
    assert options == {}


SHOWING = ("pack", "inspect", "keys create", "keys list", "version")


@pytest.mark.parametrize("path", SHOWING)
def test_what_shows_something_can_print_json(path: str) -> None:
    options = {name for param in COMMANDS[f"modelport {path}"].params for name in param.opts}
    assert "--json" in options


@pytest.mark.parametrize("code", ["0", "1", "2", "130"])
def test_every_exit_code_is_documented(code: str) -> None:
    assert f"**{code}**" in PAGE.partition("\n## ")[0]
