"""One replica that serves every model, for all foreign clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance import models
from tests.conformance.models import Model

from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, replica


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bundles lie."""
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="session")
def known(folder: Path) -> dict[str, Model]:
    """The models, in this process."""
    return models.everything(folder)


@pytest.fixture(scope="session")
def served(
    known: dict[str, Model], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replica]:
    """The models, in two workers."""
    bundles = tuple(str(folder / name) for name in known)
    settings = Settings(bundles=bundles, port=0, workers=2)
    with replica(tmp_path_factory.mktemp("served"), settings) as running:
        running.wait_ready()
        yield running
