"""Real replicas with real bundles, packed and started once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance import models
from tests.acceptance.rawclient import post
from tests.acceptance.served import Served, serve, summing

from modelport.serving.settings import Limits, Settings

QUICK = Limits(header_seconds=1.0, body_seconds=1.0, idle_seconds=2.0, write_seconds=1.0, connections=200)
"""Limits that pass within a test."""


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of the bundles, by name."""
    return models.everything(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def item() -> list[float]:
    """A row of `numbers`."""
    return models.row()


@pytest.fixture(scope="session")
def served(
    bundles: dict[str, str], item: list[float], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """All models in one replica with one worker."""
    good = post("/v1/models/numbers/predict", {"input": item, "parameters": {"return_probabilities": True}})
    settings = Settings(bundles=tuple(bundles.values()), port=0)
    with serve(tmp_path_factory.mktemp("served"), settings, good) as one:
        yield one


@pytest.fixture(scope="session")
def alone(bundles: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One text model, which needs no name."""
    settings = Settings(bundles=(bundles["texts"],), port=0)
    with serve(tmp_path_factory.mktemp("alone"), settings, post("/predict", {"text": "free pills"})) as one:
        yield one


@pytest.fixture(scope="session")
def quick(bundles: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A replica that loses patience within a second."""
    settings = Settings(bundles=(bundles["faulty"], bundles["slow"]), port=0, limits=QUICK)
    with serve(tmp_path_factory.mktemp("quick"), settings, summing("faulty")) as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a replica of a test's own keeps its log."""
    return tmp_path
