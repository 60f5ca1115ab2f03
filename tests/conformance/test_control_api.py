"""schemathesis against the control API: no failure of the server, and no answer that its document forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.conftest import running
from tests.api.wall import Wall
from tests.conformance.schemas import ANSWERS, requested
from tests.registry import bundles

from modelport.api.app import app
from modelport.api.examples import PARTS
from modelport.api.server import server
from modelport.api.settings import Settings
from modelport.assembly.platform import Where, platform
from modelport.client.control import Control

pytestmark = pytest.mark.conformance
ENDLESS = ("watch_rollout", "read_logs")
"""What may answer without end."""


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    """A control plane in which there is something of everything."""
    with (
        platform(Where(tmp_path / "state"), Wall()) as built,
        running(server(app(built, Settings(longest_wait=0.05)), "127.0.0.1", 0)) as url,
        Control(url, key=built.first_key) as found,
    ):
        fill(found, tmp_path)
        yield found


def fill(control: Control, folder: Path) -> None:
    for factor in (1.0, 2.0):
        control.versions.register("churn", bundles.made(folder / "made", factor))
    control.aliases.set("churn", "champion", 1)
    control.deployments.deploy("churn", 1)
    control.feedback.send("churn", "01JZX4M8QJ3V5T7W9Y1B2C3D4E", 2.0)


def check(control: Control, key: str, work: Path, *options: str) -> None:
    """No request of schemathesis fails, of those that end."""
    endless = [part for name in ENDLESS for part in ("--exclude-operation-id", name)]
    asked = [*endless, "--header", f"Authorization: Bearer {key}", *options]
    document = f"{control.url}/api/v1/openapi.json"
    requested(document, work, *asked, examples=30, seconds=590, shown=20_000)


def test_every_answer_is_one_that_the_document_promises(control: Control, tmp_path: Path) -> None:
    """Of things that there are not, mostly."""
    key = control.keys.create("conformance", role="admin").key
    check(control, key, tmp_path, "--checks", ",".join(ANSWERS))


def test_about_what_there_is_too(control: Control, tmp_path: Path) -> None:
    key = control.keys.create("conformance", role="admin").key
    known = "".join(f'"path.{name}" = "{value}"\n' for name, value in PARTS.items() if name != "id")
    (tmp_path / "schemathesis.toml").write_text(f"[parameters]\n{known}")
    check(control, key, tmp_path, "--checks", ",".join(ANSWERS))
