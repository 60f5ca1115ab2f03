"""The SDK against the real API: both styles, each noun."""

from __future__ import annotations

import asyncio
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import Served
from tests.client.control_twins import formatted, pairs, twin
from tests.registry.bundles import made

import modelport
from modelport.client.control import AsyncControl, Control
from modelport.client.control.place import locate
from modelport.client.retry import Retries
from modelport.core.wishes import Truth
from modelport.errors import (
    BundleCorrupt,
    Conflict,
    Forbidden,
    NotFound,
    Overloaded,
    PreconditionFailed,
    SettingsError,
)


@pytest.mark.parametrize(("source", "target"), pairs(), ids=lambda path: path.name)
def test_the_blocking_sdk_is_made_of_the_other(source: Path, target: Path) -> None:
    assert target.read_text("utf-8") == formatted(twin(source.read_text("utf-8")))


def test_a_model_from_its_bundle_to_its_end(control: Control, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    bundle = made(tmp_path / "made", 2.0)
    first = control.versions.register("sdk", bundle, dataset="d1", progress=lambda *sent: seen.append(sent))
    assert seen[-1] == (bundle.stat().st_size, bundle.stat().st_size)
    assert (first.id, first.lineage.dataset) == ("sdk:1", "d1")
    assert control.versions.register("sdk", bundle) == first
    second = control.versions.register("sdk", made(tmp_path / "made", 3.0), label="2.0.0", parent=1)
    assert control.versions.change("sdk", 2, metrics={"accuracy": 0.9}).metrics == {"accuracy": 0.9}
    assert [one.number for one in control.versions.list("sdk")] == [2, 1]
    assert control.versions.get("sdk", "2.0.0").identity == second.identity
    assert control.models.diff("sdk", 1, 2)
    copy = control.versions.download("sdk", 1, tmp_path / "copy.bundle")
    assert copy.read_bytes() == bundle.read_bytes()
    assert control.models.change("sdk", description="of tests").description == "of tests"
    assert [one.name for one in control.models.list("of tests")] == ["sdk"]
    with pytest.raises(NotFound):
        control.versions.get("sdk", 9)
    control.versions.delete("sdk", 2)
    control.models.delete("sdk")
    assert control.models.collect_garbage(dry_run=True).dry_run
    with pytest.raises(NotFound):
        control.models.get("sdk")


def test_aliases_are_compared_before_they_move(control: Control, tmp_path: Path) -> None:
    for factor in (1.0, 2.0):
        control.versions.register("aliased", made(tmp_path / "made", factor))
    alias = control.aliases.set("aliased", "champion", 1, expected=0)
    moved = control.aliases.set("aliased", "champion", 2, expected=alias.revision)
    with pytest.raises(PreconditionFailed):
        control.aliases.set("aliased", "champion", 1, expected=alias.revision)
    assert control.aliases.list("aliased") == (moved,)
    control.aliases.delete("aliased", "champion")
    assert control.aliases.list("aliased") == ()


def test_a_list_is_read_to_its_end_page_by_page(control: Control) -> None:
    names = {f"many-{number:03}" for number in range(120)}
    for name in names:
        control.models.create(name)
    assert {one.name for one in control.models.list("many-")} == names


def test_what_is_wanted_and_how_it_goes(control: Control, served: Served) -> None:
    served.register("wanted", versions=2)
    text = "deployment:\n  strategy: direct\n"
    planned = control.deployments.apply(text, model="wanted", version=1, dry_run=True)
    assert planned.changes
    assert not planned.applied
    assert control.deployments.schema()["$schema"]
    deployment = control.deployments.deploy("wanted", 1)
    assert control.deployments.activate("wanted", "2").generation == deployment.generation + 1
    assert "wanted" in [one.endpoint for one in control.deployments.list()]
    served.await_rollout("wanted")
    assert control.rollouts.get("wanted").shares == {2: 10_000}
    assert control.rollouts.pause("wanted").rollout.spec.candidate == 2
    eventually(lambda: control.rollouts.get("wanted").rollout.phase == "paused")
    control.rollouts.resume("wanted")
    eventually(lambda: control.rollouts.get("wanted").rollout.phase == "preparing")
    control.rollouts.promote("wanted")
    newest = next(iter(control.rollouts.list("wanted")))
    numbers = [one.number for one in control.rollouts.decisions("wanted", newest.id)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert control.models.status("wanted").state == "starting"
    with pytest.raises(PreconditionFailed):
        control.deployments.delete("wanted", expected=77)
    control.deployments.delete("wanted")


def test_what_was_configured_and_what_changed(control: Control, served: Served) -> None:
    served.register("tuned", versions=2)
    control.deployments.deploy("tuned", 1)
    for share in (5, 10):
        text = f"deployment:\n  strategy: canary\n  canary_percentage: {share}\n"
        assert control.deployments.apply(text, model="tuned", version=2).applied
    assert [one.version for one in control.configurations.history("deployment", "tuned")] == [3, 2, 1]
    changed = control.configurations.diff("deployment", "tuned", 2, 3)
    assert [(one.before, one.after) for one in changed] == [([5, 100], [10, 100])]


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_truths_may_be_sent_in_each_form(control: Control, served: Served) -> None:
    served.register("told")
    ids = [f"01JZX4M8QJ3V5T7W9Y1B2C3D4{last}" for last in "EFG"]
    assert control.feedback.send("told", ids[0], "leaves").new == 1
    control.feedback.send_for_user("told", "u1", "stays", "leaves")
    assert control.feedback.send_many("told", [Truth(1, ids[1]), Truth(2, ids[2])]).new == 2
    assert {one.prediction_id for one in control.feedback.list("told")} == {"", *ids}


def test_keys_secrets_journal_doctor_and_backup(control: Control, served: Served, tmp_path: Path) -> None:
    made_key = control.keys.create("shop", scopes=["infer:churn"], rate="100/s")
    with Control(served.url, key=made_key.key) as shop, pytest.raises(Forbidden):
        shop.models.get("churn")
    assert "shop" in {one.name for one in control.keys.list()}
    control.keys.revoke(made_key.seen.id)
    control.secrets.put("warehouse", "hunter2")
    assert control.secrets.list() == ("warehouse",)
    control.secrets.delete("warehouse")
    actions = [one.action for one in control.audit.list(since=0.0)]
    assert {"key.create", "key.revoke", "secret.put", "secret.delete"} <= set(actions)
    assert {"database", "journal", "artifacts"} <= {check.name for check in control.doctor.examine()}
    assert all(check.ok for check in control.doctor.repair() if check.name != "disk")
    with tarfile.open(control.backup.save(tmp_path / "b.tar")) as archive:
        assert archive.getnames()
    assert control.fleets.replicas() == ()
    with pytest.raises(Conflict):
        control.bootstrap("token-of-the-first-start")


def test_both_styles_are_alike(served: Served) -> None:
    async def story() -> list[str]:
        async with AsyncControl(served.url, key=served.key) as control:
            await control.models.create("later")
            assert (await control.models.get("later")).name == "later"
            return [one.name async for one in control.models.list("later")]

    assert asyncio.run(story()) == ["later"]


def test_an_asynchronous_upload_streams_too(served: Served, tmp_path: Path) -> None:
    async def story() -> str:
        async with AsyncControl(served.url, key=served.key) as control:
            return (await control.versions.register("streamed", made(tmp_path / "made", 5.0))).id

    assert asyncio.run(story()) == "streamed:1"


class Cut(httpx.HTTPTransport):
    """Carries a request out and loses its first answer."""

    lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if self.lost == 0:
            self.lost += 1
            answer.read()
            msg = "the connection broke"
            raise httpx.ReadError(msg, request=request)
        return answer


def test_an_answer_that_got_lost_is_asked_for_again_and_made_once(served: Served) -> None:
    with Control(served.url, key=served.key, transport=Cut(), retries=Retries(base=0.001)) as control:
        assert control.models.create("lost").name == "lost"
    entries = served.platform.journal.entries("default", limit=10, action="model.create", resource="lost")
    assert len(entries.items) == 1


def test_a_changed_file_is_not_kept(served: Served, control: Control, tmp_path: Path) -> None:
    control.versions.register("changed", made(tmp_path / "made", 6.0))

    def twisted(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"other bytes", headers={"x-modelport-sha256": "0" * 64})

    between = Control(served.url, transport=httpx.MockTransport(twisted))
    with between, pytest.raises(BundleCorrupt):
        between.versions.download("changed", 1, tmp_path / "copy.bundle")
    assert not (tmp_path / "copy.bundle").exists()
    assert not (tmp_path / "copy.bundle.part").exists()


def test_an_absent_control_plane_is_told_as_such(tmp_path: Path) -> None:
    with Control("http://127.0.0.1:9", retries=Retries(attempts=1)) as control, pytest.raises(Overloaded):
        list(control.models.list())


def test_the_folder_of_up_is_found_and_its_key_goes_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / ".modelport"
    with pytest.raises(SettingsError) as absent:
        locate(folder=folder, environment={})
    assert absent.value.code == "no-control-plane"
    folder.mkdir()
    (folder / "control.json").write_text(json.dumps({"url": "http://127.0.0.1:8080", "pid": 1}))
    (folder / "key").write_text("mp_live_first\n")
    here = locate(folder=folder, environment={})
    assert (here.url, here.key) == ("http://127.0.0.1:8080", "mp_live_first")
    assert "mp_live" not in repr(here)
    there = locate(folder=folder, environment={"MODELPORT_CONTROL": "https://elsewhere"})
    assert (there.url, there.key) == ("https://elsewhere", None)
    said = locate("http://127.0.0.1:8080/", folder=folder, environment={"MODELPORT_KEY": "mp_live_env"})
    assert said.key == "mp_live_env"


def test_the_package_offers_both() -> None:
    assert (modelport.Control, modelport.AsyncControl) == (Control, AsyncControl)
