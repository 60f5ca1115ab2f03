"""Where plans and keys come from: files that may be half written, and bundles on this machine."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from modelport.bundle.writer import write
from modelport.core.access import AccessSnapshot, KeyEntry
from modelport.core.manifest import FORMAT, About, Manifest, Parameters
from modelport.core.plan import Revision, ServingPlan, Share, check
from modelport.core.signature import Field, Signature
from modelport.errors import BundleError, SettingsError
from modelport.serving.plans.file import FilePlans
from modelport.serving.plans.standalone import StandalonePlans, make_plan
from modelport.serving.replica import access_file
from modelport.testing.replica import make_plan as plan_of
from modelport.testing.replica import publish

PATIENCE = 10.0


def bundle(path: Path, name: str, label: str | None = None, *, size: int = 2) -> str:
    """A bundle on disk; another `size` is another identity."""
    signature = Signature("vector", (Field("input", "FP64", (-1, size)),), (Field("value", "FP64", (-1,)),))
    manifest = Manifest(FORMAT, "dummy", "regression", signature, None, (), Parameters(), ())
    write(path, manifest, About(name, label), {}, {})
    return str(path)


def weights(plan: ServingPlan) -> dict[str, int]:
    return {share.slot: share.weight for item in plan.endpoints for share in item.route.shares}


async def within(items: AsyncIterator[ServingPlan]) -> ServingPlan:
    return await asyncio.wait_for(anext(items), PATIENCE)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    asyncio.run(main())


def test_bundles_of_one_name_become_versions_and_the_last_gets_all_traffic(tmp_path: Path) -> None:
    paths = [
        bundle(tmp_path / "a.bundle", "churn", "1.0.0"),
        bundle(tmp_path / "o.zip", "other"),
        bundle(tmp_path / "b.bundle", "churn", "2.0.0"),
    ]
    plan = check(make_plan(paths, {}))
    assert [(slot.id, slot.label, slot.bundle) for slot in plan.slots] == [
        ("churn:1", "1.0.0", paths[0]),
        ("other:1", None, paths[1]),
        ("churn:2", "2.0.0", paths[2]),
    ]
    assert weights(plan) == {"churn:1": 0, "churn:2": 10_000, "other:1": 10_000}
    assert all(len(slot.identity) == 64 for slot in plan.slots)


def test_a_split_gives_percent_of_traffic_to_versions(tmp_path: Path) -> None:
    paths = [bundle(tmp_path / f"{at}.bundle", "churn") for at in range(3)]
    plan = check(make_plan(paths, {"churn": {1: 90, 3: 10}}))
    assert weights(plan) == {"churn:1": 9_000, "churn:2": 0, "churn:3": 1_000}


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ({"churn": {1: 90, 2: 20}}, "sum to 110 percent"),
        ({"churn": {1: 110, 2: -10}}, "not 100"),
        ({"churn": {1: 90, 7: 10}}, "churn:7, and there are 2 versions"),
        ({"chrun": {1: 100}}, "'chrun', which is not among the bundles"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(
    tmp_path: Path, split: dict[str, dict[int, int]], reason: str
) -> None:
    paths = [bundle(tmp_path / f"{at}.bundle", "churn") for at in range(2)]
    with pytest.raises(SettingsError, match=reason):
        make_plan(paths, split)


def test_a_shadow_gets_no_traffic_and_its_share_of_what_was_answered(tmp_path: Path) -> None:
    bundles = [bundle(tmp_path / f"{at}.bundle", "churn", size=at) for at in (2, 3)]
    plan = make_plan(bundles, {}, shadow={"churn": {2: 10}})
    assert weights(plan) == {"churn:1": 10_000, "churn:2": 0}
    assert plan.endpoints[0].route.shadows == (Share("churn:2", 1000),)
    for shadow in ({"churn": {3: 10}}, {"spam": {1: 10}}, {"churn": {2: 0}}, {"churn": {1: 5, 2: 5}}):
        with pytest.raises(SettingsError) as caught:
            make_plan(bundles, {}, shadow=shadow)
        assert caught.value.code == "bad-shadow"


def test_slots_are_lazy_except_those_that_are_pinned(tmp_path: Path) -> None:
    bundles = [bundle(tmp_path / f"{at}.bundle", "churn", size=at) for at in (2, 3)]
    bundles.append(bundle(tmp_path / "spam.bundle", "spam"))
    plan = make_plan(bundles, {}, lazy=True, pin=("churn:2", "spam"))
    assert {slot.id: slot.pinned for slot in plan.slots} == {
        "churn:1": False,
        "churn:2": True,
        "spam:1": True,
    }
    with pytest.raises(SettingsError) as caught:
        make_plan(bundles, {}, lazy=True, pin=("ham",))
    assert caught.value.code == "bad-pin"


def test_a_bundle_whose_name_names_no_endpoint_is_called_as_its_file(tmp_path: Path) -> None:
    plan = make_plan([bundle(tmp_path / "churn.bundle", "my model!")], {})
    assert [slot.id for slot in plan.slots] == ["churn:1"]


def test_a_bundle_that_does_not_open_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.bundle").mkdir()
    with pytest.raises(BundleError):
        make_plan([str(tmp_path / "torn.bundle")], {})


def test_reload_opens_the_bundles_again(tmp_path: Path) -> None:
    path = tmp_path / "churn.bundle"
    bundle(path, "churn")

    async def story() -> None:
        source = StandalonePlans([str(path)], {})
        plans = source.plans()
        first = await within(plans)
        bundle(path, "churn", size=3)
        source.reload()
        second = await within(plans)
        assert (first.revision, second.revision) == (Revision(0, 1), Revision(0, 2))
        assert first.slots[0].identity != second.slots[0].identity

    run(story)


def test_a_plan_file_gives_its_plan_and_each_one_it_is_replaced_with(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    publish(file, plan_of(1, churn="a"))

    async def story() -> None:
        plans = FilePlans(file).plans()
        assert await within(plans) == plan_of(1, churn="a")
        for number in (2, 3):
            publish(file, plan_of(number, churn="b"))
            assert await within(plans) == plan_of(number, churn="b")

    run(story)


def test_a_half_written_or_missing_plan_file_keeps_the_last_plan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "plan.json"
    publish(file, plan_of(1, churn="a"))
    whole = msgspec.json.format(msgspec.json.encode(plan_of(2, churn="b")), indent=2)

    async def story() -> None:
        plans = FilePlans(file).plans()
        await within(plans)
        newer = asyncio.create_task(within(plans))
        for document in (whole[: len(whole) // 2], b'{"revision": 7}', None):
            file.unlink()
            if document is not None:
                file.write_bytes(document)
            await asyncio.sleep(0.5)
        file.write_bytes(whole)
        assert await newer == plan_of(2, churn="b")

    run(story)
    reasons = [record.__dict__["fields"]["reason"] for record in caplog.records]
    assert "(line " in reasons[0]
    assert "`$.revision`" in reasons[1]
    assert "cannot read the plan file 'plan.json'" in reasons[2]
    assert not any(str(tmp_path) in reason for reason in reasons)


def test_a_plan_file_that_is_not_there_is_an_error_at_start(tmp_path: Path) -> None:
    async def story() -> None:
        with pytest.raises(SettingsError, match=r"cannot read the plan file 'plan.json'"):
            await anext(FilePlans(tmp_path / "plan.json").plans())

    run(story)


def entry(number: int) -> KeyEntry:
    return KeyEntry(f"{number:08d}", "test", "0" * 64, ("infer:*",))


def test_a_key_file_is_private_whole_and_counts_its_revisions(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    access_file.update(path, lambda keys: (*keys, entry(1)))
    access_file.update(path, lambda keys: (*keys, entry(2)))
    assert access_file.read(path) == AccessSnapshot(2, (entry(1), entry(2)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["keys.json"]


def test_updates_of_a_key_file_at_the_same_time_lose_none(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    def add(number: int) -> None:
        access_file.update(path, lambda keys: (*keys, entry(number)))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = access_file.read(path)
    assert snapshot.revision == 16
    assert {item.id for item in snapshot.keys} == {entry(number).id for number in range(16)}


def test_a_failed_update_leaves_the_key_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    access_file.update(path, lambda _: (entry(1),))
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        access_file.update(path, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert path.read_bytes() == before


def test_a_damaged_key_file_is_refused_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"revision": 1,\n "keys": [')
    with pytest.raises(SettingsError, match="line 2"):
        access_file.update(path, lambda keys: keys)
    assert path.read_text() == '{"revision": 1,\n "keys": ['


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot write the key file 'keys.json'"):
        access_file.update(tmp_path / "absent" / "keys.json", lambda keys: keys)


def test_a_revocation_is_seen_while_serving(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    access_file.update(path, lambda _: (entry(1),))

    async def story() -> None:
        snapshots = access_file.AccessFile(path).snapshots()
        assert len((await anext(snapshots)).keys) == 1
        access_file.update(
            path, lambda keys: tuple(msgspec.structs.replace(key, revoked=True) for key in keys)
        )
        assert (await asyncio.wait_for(anext(snapshots), PATIENCE)).keys[0].revoked

    run(story)
