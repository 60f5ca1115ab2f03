"""Stores to test: a folder, and a bucket of a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage import s3

from modelport.storage.store import Store
from modelport.storage.urls import open_store


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of an S3 server that lives as long as the session."""
    with s3.serving() as address:
        yield address


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty bucket; the environment leads to its server."""
    return s3.bucket(server, monkeypatch)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "folder":
        return open_store((tmp_path / "artifacts").as_uri())
    return open_store(f"{request.getfixturevalue('bucket')}/some/prefix")
