"""Every look of the doctor, by breaking what it looks at; and every repair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from tests.api.wall import Wall
from tests.registry import bundles

from modelport.assembly.platform import Platform, Where, platform
from modelport.control import doctor
from modelport.control.store import deployments
from modelport.core.fleet import EndpointStatus, PlanStatus, SlotStatus
from modelport.core.plan import Revision, ServingPlan
from modelport.core.sights import Check
from modelport.core.wishes import Registration
from modelport.db.journal import Author
from modelport.db.rows import text
from modelport.db.tables import plans

ANNA = Author("anna")


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A control plane with one deployment and a replica that reports."""
    monkeypatch.setattr(doctor, "SETTLE_SECONDS", 0.2)
    with platform(Where(tmp_path / "state"), Wall()) as found:
        found.registry.register(ANNA, "churn", bundles.made(tmp_path / "made"), Registration())
        found.deployments.deploy(ANNA, "churn", "1")
        eventually(lambda: plan(found).slots)
        report(found)
        eventually(lambda: found.deployments.get("default", "churn").live)
        yield found


def eventually(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def plan(built: Platform) -> ServingPlan:
    return built.fleet.plan("default", "local") or ServingPlan(Revision(0, 0), (), ())


def report(built: Platform, sequence: int = 1, *, ahead: float = 0.0, wanted: Revision | None = None) -> None:
    at = built.clock.now() + ahead
    revision = wanted or plan(built).revision
    slots, endpoints = {"churn:1": SlotStatus("ready")}, {"churn": EndpointStatus(revision)}
    told = PlanStatus(
        "one", "a", sequence, wanted=revision, endpoints=endpoints, slots=slots, ready=True, at=at
    )
    built.fleet.report("default", "local", told)


def look(built: Platform, name: str) -> Check:
    return next(check for check in built.doctor.examine() if check.name == name)


def repaired(built: Platform, name: str) -> Check:
    return next(check for check in built.doctor.repair(ANNA) if check.name == name)


def test_of_what_is_well_every_look_says_so(built: Platform) -> None:
    found = {check.name: check for check in built.doctor.examine() if check.name != "disk"}
    assert all(check.ok and not check.repair for check in found.values())
    assert found.keys() >= {"database", "journal", "artifacts", "deployments", "plans", "replicas of local"}


def test_a_clock_that_goes_wrong_is_seen_by_how_much(built: Platform) -> None:
    for sequence, ahead, said in ((2, 61.0, "61 s ahead"), (3, -120.0, "120 s behind")):
        report(built, sequence, ahead=ahead)
        found = look(built, "clocks of local")
        assert not found.ok
        assert f"the clock of one is {said}" in found.message


def test_a_replica_that_is_behind_or_silent_is_named(built: Platform) -> None:
    report(built, 2, wanted=Revision(1, 0))
    assert "one is behind the plan" in look(built, "replicas of local").message
    assert isinstance(built.clock, Wall)
    built.clock.ahead = 11
    assert "one is silent" in look(built, "replicas of local").message


def test_a_plan_that_is_not_what_is_wanted_is_published_anew(built: Platform) -> None:
    right = plan(built)
    wrong = replace(right, slots=tuple(replace(slot, instances=7) for slot in right.slots))
    number = plans.c.number == right.revision.number
    built.database.write(lambda to: to.execute(sa.update(plans).where(number).values(document=text(wrong))))
    found = look(built, "plans")
    assert (found.ok, found.message) == (False, "the plan of local is not what is wanted")
    assert repaired(built, "plans").repaired
    assert look(built, "plans").ok
    assert plan(built).slots == right.slots
    assert plan(built).revision > right.revision
    newest = built.journal.entries(
        "default", since=None, actor=None, action="doctor.repair", resource=None, limit=1, cursor=None
    )
    assert newest.items[0].actor == "anna"


def test_a_deployment_that_cannot_be_planned_is_told_with_its_reason(built: Platform) -> None:
    def spoil(kept: deployments.Kept) -> deployments.Kept:
        return replace(kept, deployment=replace(kept.deployment, trouble="no such thing"))

    built.reconciler.stop()
    with built.database.reading() as connection:
        kept = deployments.get(connection, "default", "churn")
    assert kept is not None
    built.database.write(lambda to: deployments.put(to, spoil(kept)))
    assert look(built, "deployments").message == "churn stays as it is: no such thing"
    assert built.deployments.status("default", "churn").state == "degraded"


def test_a_bundle_whose_bytes_changed_is_taken_away_and_put_again(built: Platform, tmp_path: Path) -> None:
    artifact = next((tmp_path / "state" / "artifacts").glob("sha256/*/*.bundle"))
    artifact.chmod(0o600)
    artifact.write_bytes(artifact.read_bytes()[:-1] + b"?")
    assert "has changed" in look(built, "artifacts").message
    assert repaired(built, "artifacts").repaired
    assert "is gone" in look(built, "artifacts").message
    built.registry.register(ANNA, "churn", bundles.made(tmp_path / "made"), Registration())
    assert look(built, "artifacts").ok


def test_a_disk_that_is_almost_full_is_said(built: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOM_BYTES", 1 << 62)
    found = look(built, "disk")
    assert not found.ok
    assert "MiB are free" in found.message


def test_what_others_can_read_is_made_private(built: Platform, tmp_path: Path) -> None:
    key = tmp_path / "state" / "key"
    key.chmod(0o644)
    assert look(built, "permissions").message == "others can read key"
    assert repaired(built, "permissions").repaired
    assert key.stat().st_mode & 0o077 == 0
    assert look(built, "permissions").ok


def test_a_check_is_the_same_on_the_wire(built: Platform) -> None:
    for check in built.doctor.examine():
        assert msgspec.json.decode(msgspec.json.encode(check), type=Check) == check
