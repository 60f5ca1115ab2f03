"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import databases

from modelport.db.connect import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the newest schema: of a file, then of a real PostgreSQL."""
    with databases.fresh(request.param, tmp_path) as found:
        yield found
