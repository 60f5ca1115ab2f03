"""The rungs of the sandbox that this machine has; every test of the sandbox runs on all of them."""

from __future__ import annotations

from typing import cast

import pytest

from modelport.compile.sandbox import bwrap, landlock, seccomp
from modelport.compile.sandbox.process import Rung
from modelport.compile.sandbox.selftest import weakness


def _rungs() -> list[Rung]:
    here: list[Rung] = []
    if bwrap.program() and not weakness("bubblewrap"):
        here.append("bubblewrap")
    if landlock.version() and seccomp.supported():
        here.append("landlock")
    return here


@pytest.fixture(params=_rungs())
def rung(request: pytest.FixtureRequest) -> Rung:
    """A rung to do work on."""
    return cast("Rung", request.param)


@pytest.fixture
def chosen(rung: Rung, monkeypatch: pytest.MonkeyPatch) -> Rung:
    """The rung that packing will choose by itself, as if this machine had no stronger one."""
    if rung == "landlock":
        monkeypatch.setattr(bwrap, "program", lambda: None)
    return rung
