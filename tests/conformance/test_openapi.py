"""schemathesis, which makes requests out of the served OpenAPI document, finds no answer that it forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.models import Model
from tests.conformance.schemas import ANSWERS, requested

from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, replica

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module", params=["patients", "sentences", "cells"])
def alone(
    request: pytest.FixtureRequest,
    known: dict[str, Model],
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Replica]:
    """A replica with one model, which has routes that name none."""
    settings = Settings(bundles=(str(folder / request.param),), port=0)
    with replica(tmp_path_factory.mktemp("alone"), settings) as running:
        running.wait_ready()
        yield running


def check(served: Replica, work: Path, *options: str) -> None:
    """No request of schemathesis fails."""
    asked = ("--output-sanitize", "false", *options)
    requested(f"{served.url}/openapi.json", work, *asked, examples=50, seconds=170, shown=8_000)


def test_every_answer_is_one_that_the_document_promises(served: Replica, tmp_path: Path) -> None:
    """Valid and invalid requests, of all operations, for models of every kind."""
    check(served, tmp_path, "--checks", ",".join(ANSWERS))


def test_with_one_model_too(alone: Replica, tmp_path: Path) -> None:
    check(alone, tmp_path, "--checks", ",".join(ANSWERS))


def test_what_the_document_forbids_is_refused(served: Replica, tmp_path: Path) -> None:
    """Not of `infer`: a header there may make the whole body a tensor."""
    more = ("--exclude-path-regex", "/infer$", "--checks", "negative_data_rejection")
    check(served, tmp_path, *more)


def test_what_the_document_forbids_is_refused_with_one_model_too(alone: Replica, tmp_path: Path) -> None:
    more = ("--exclude-path-regex", "/infer$", "--checks", "negative_data_rejection")
    check(alone, tmp_path, *more)


def test_a_method_that_a_route_does_not_take_is_answered_with_those_it_takes(
    served: Replica, tmp_path: Path
) -> None:
    more = ("--phases", "coverage", "--checks", "unsupported_method,allow_header_conformance")
    check(served, tmp_path, *more)
