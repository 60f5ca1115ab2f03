"""Pictures on the command line: packed from a folder, compiled again from what was kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.runtimes.image.pictures import graph, plain, saved

from modelport.bundle.reader import open_bundle
from modelport.cli.app import app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A graph, pictures, and how they become its tensor."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, colour in (("a", (250, 0, 0)), ("b", (0, 250, 0))):
        (photos / f"{name}.png").write_bytes(saved(plain(colour)))
    (tmp_path / "colours.onnx").write_bytes(graph())
    (tmp_path / "image.json").write_text('{"size": 8, "filter": "bicubic"}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_folder_of_pictures_is_packed_and_compiled_again(folder: Path) -> None:
    run(
        *("pack", "colours.onnx", "--name", "colours", "--sample", "photos", "--image", "image.json"),
        *("--labels", "red,green,blue"),
    )
    run("compile", "--again", "colours.bundle", "--output", "again.bundle")
    with open_bundle(folder / "colours.bundle") as first, open_bundle(folder / "again.bundle") as second:
        assert first.manifest.runtime == "image"
        assert first.identity == second.identity


@pytest.mark.parametrize("text", ["{}", "no json", '{"size": 8, "filter": "magic"}'])
def test_a_document_that_is_no_image_input_is_refused(folder: Path, text: str) -> None:
    (folder / "image.json").write_text(text)
    words = ["pack", "colours.onnx", "--name", "colours", "--sample", "photos", "--image", "image.json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code != 0
