"""What tests of several rooms share."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import databases

from modelport.db.connect import Database

PLAIN = "not slow and not conformance and not extras"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """All of the plain tier, file by file in two processes; whatever is chosen from it, in this one."""
    if hasattr(config, "workerinput"):
        return  # one of the two
    whole = config.args_source is config.ArgsSource.TESTPATHS and config.option.markexpr == PLAIN
    if whole and not config.option.keyword and config.getoption("numprocesses", 0) is None:
        config.option.numprocesses, config.option.dist = 2, "loadfile"


def pytest_collection_finish() -> None:
    """Thousands of collected tests are not looked through again whenever one of them makes garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """The interpreter waits without end for a thread that no test ended."""
    before = set(threading.enumerate())
    yield
    left = [one.name for one in set(threading.enumerate()) - before if not one.daemon]
    assert not left, f"threads that tests began and did not end: {left}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the newest schema: of a file, then of a real PostgreSQL."""
    with databases.fresh(request.param, tmp_path) as found:
        yield found
