"""One running platform for all pages that need one; each page has models of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.shown import Platform

from modelport.cli.quickstart.platform import platform as running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`modelport up` in a folder, as the pages have it."""
    folder: Path = tmp_path_factory.mktemp("platform")
    with running(folder) as up:
        yield Platform(folder, up.url, up.control)
