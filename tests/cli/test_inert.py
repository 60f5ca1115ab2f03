"""RELIABILITY case 24: what a bundle or a server brings never commands the terminal it is shown on."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from modelport.bundle.writer import write
from modelport.cli.app import app
from modelport.cli.inert import inert
from modelport.core.manifest import FORMAT, About, Manifest, Parameters
from modelport.core.signature import Field, Signature

HOSTILE = "\x1b[2J\x1b]0;title\x07\r\u202egnp.exe[bold]"


@given(st.text())
def test_only_printable_characters_and_line_ends_come_through(text: str) -> None:
    assert all(char.isprintable() or char == "\n" for char in inert(text))


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert inert(text) == text


def test_24_inspect_shows_hostile_labels_tags_and_columns_as_text(tmp_path: Path) -> None:
    signature = Signature(
        "vector",
        (Field("x", "FP32", (-1, 1), columns=(HOSTILE,)),),
        (Field("label", "INT64", (-1,)),),
    )
    manifest = Manifest(FORMAT, "dummy", "classification", signature, (HOSTILE, "b"), (), Parameters(), ())
    about = About("loan", HOSTILE, tags={HOSTILE: HOSTILE}, source={HOSTILE: HOSTILE})
    write(tmp_path / "loan.bundle", manifest, about, {"model/dummy.json": b"{}"}, {})
    shown = CliRunner().invoke(app, ["inspect", str(tmp_path / "loan.bundle")], env={"COLUMNS": "200"}).stdout
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "\\x1b[2J" in shown
    assert "[bold]" in shown


@pytest.mark.parametrize("name", [f"{HOSTILE}.bundle", "no\nsuch.bundle"])
def test_24_an_error_that_quotes_an_argument_quotes_it_harmlessly(name: str) -> None:
    ended = CliRunner().invoke(app, ["inspect", name])
    assert ended.exit_code == 2
    assert "\x1b[2J" not in ended.stderr
