"""The colours: a small model of pictures, packed once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtimes.image.pictures import graph, plain, saved

from modelport.bundle.reader import Bundle
from modelport.compile.pack import pack
from modelport.runtimes.image.spec import ImageInput


@pytest.fixture(scope="session")
def colours() -> list[bytes]:
    """Red, green and blue pictures, and dark red, of several forms."""
    return [
        saved(plain((250, 10, 10)), "PNG"),
        saved(plain((10, 250, 10)), "JPEG", quality=95),
        saved(plain((10, 10, 250)), "WEBP"),
        saved(plain((200, 20, 30)), "BMP"),
    ]


@pytest.fixture(scope="session")
def bundle(colours: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Tells red, green and blue pictures apart."""
    path: Path = tmp_path_factory.mktemp("colours") / "colours.bundle"
    labels = ["red", "green", "blue"]
    packed = pack(graph(), name="colours", sample=colours, image=ImageInput(size=8), labels=labels)
    return packed.save(path)
