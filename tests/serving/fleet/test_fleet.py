"""A replica follows a control plane, serves on whatever becomes of that, and tells how it fares."""

from __future__ import annotations

import os
import re
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.acceptance.rawclient import Raw, request
from tests.serving.fleet.fleets import NONFINITE, POISON, Control, ask, control, member, plan

from modelport.core.access import AccessSnapshot, KeyEntry, Rate, make_key
from modelport.core.evidence import Outcomes
from modelport.core.fleet import PlanStatus
from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.testing.replica import Replica, answers, eventually


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Control]:
    with control(tmp_path / "control") as running:
        yield running


def value(running: Replica, **who: Any) -> float:
    answer = ask(running, 1.0, 2.0, **who)
    assert answer.status == 200, answer
    told: float = answer.json()["prediction"]
    return told


def told(server: Control, look: Any) -> PlanStatus:
    """The newest report once `look` holds of it."""

    return eventually(lambda: [it for it in (server.report,) if it is not None and look(it)])[0]


def count(server: Control, slot: str) -> Outcomes:
    report = server.report
    return report.counters.get(slot, Outcomes()) if report else Outcomes()


def test_it_fetches_what_the_plan_names_and_switches_when_the_plan_does(
    tmp_path: Path, server: Control
) -> None:
    one, two = server.register(factor=1.0), server.register(factor=2.0)
    server.publish(plan(1, {"churn:1": one}))
    with member(tmp_path, server, workers=2) as running:
        running.wait_ready()
        assert value(running) == 3.0
        server.publish(plan(2, {"churn:1": one, "churn:2": two}))
        eventually(lambda: value(running) == 6.0)
        answer = ask(running, 1.0, 2.0)
        assert answer.headers["x-modelport-version"] == "churn:2"
        assert answer.headers["x-modelport-revision"] == "1-2"
        report = told(server, lambda it: it.wanted == Revision(1, 2) and it.slots["churn:2"].state == "ready")
        assert report.endpoints["churn"].revision == Revision(1, 2)
        assert (report.replica, report.workers, report.ready, report.url) == ("one", 2, True, running.url)


def test_it_waits_for_the_first_plan_live_and_not_ready_and_tells_that_it_is_there(
    tmp_path: Path, server: Control
) -> None:
    with member(tmp_path, server) as running:
        running.url = told(server, lambda it: it.workers == 0 and it.wanted is None).url
        assert (status(running, "live"), status(running, "ready")) == (200, 503)
        server.publish(plan(1, {}))
        told(server, lambda it: it.wanted == Revision(1, 1))
        assert (status(running, "live"), status(running, "ready")) == (200, 503)
        server.publish(plan(2, {"churn:1": server.register(factor=1.0)}))
        eventually(lambda: status(running, "ready") == 200)
        assert value(running) == 3.0


def status(running: Replica, name: str) -> int:
    with Raw(running.url) as raw:
        return raw.ask(request("GET", f"/v2/health/{name}")).status


def test_an_older_plan_is_refused_and_a_new_epoch_beats_every_number(tmp_path: Path, server: Control) -> None:
    one, two = server.register(factor=1.0), server.register(factor=2.0)
    server.publish(plan(7, {"churn:1": one}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        server.publish(plan(6, {"churn:2": two}))
        report = told(server, lambda it: it.refused)
        assert "6" in report.refused
        assert value(running) == 3.0
        server.publish(plan(1, {"churn:2": two}, epoch=2))
        eventually(lambda: value(running) == 6.0)
        assert told(server, lambda it: it.wanted == Revision(2, 1)).refused == ""


def test_with_the_control_plane_killed_it_serves_counts_and_starts_again(
    tmp_path: Path, server: Control
) -> None:
    one, two = server.register(factor=1.0), server.register(factor=2.0)
    server.publish(plan(1, {"churn:1": one}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        value(running)
        told(server, lambda it: it.counters)
        server.kill()
        for _ in range(5):
            assert value(running) == 3.0
        assert (status(running, "live"), status(running, "ready")) == (200, 200)
        server.publish(plan(2, {"churn:2": two}))
        server.start()
        eventually(lambda: value(running) == 6.0)
        eventually(lambda: count(server, "churn:1").trials >= 6)  # what was counted meanwhile is not lost
        server.kill()
        running.signal(signal.SIGTERM)
        running.end()
    with member(tmp_path, server) as again:  # nobody to ask: the last good plan, and what was fetched
        again.wait_ready()
        assert value(again) == 6.0


def test_it_starts_again_with_what_worked_and_not_with_what_was_wanted_last(
    tmp_path: Path, server: Control
) -> None:
    one, cut, other = (server.register(factor=factor) for factor in (1.0, 2.0, 5.0))
    server.publish(plan(1, {"churn:1": one}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        spoil(server, cut)
        server.publish(plan(2, {"churn:2": cut, "fraud:1": other}))
        told(server, lambda it: "churn:2" in it.slots and it.slots["churn:2"].state == "failed")
        eventually(lambda: ask(running, 1.0, 1.0, model="fraud").status == 200)
        assert value(running) == 3.0
        server.kill()
        running.signal(signal.SIGTERM)
        running.end()
    with member(tmp_path, server) as again:
        again.wait_ready()
        assert value(again) == 3.0
        assert ask(again, 1.0, 1.0, model="fraud").status == 200
        server.publish(plan(2, {"churn:2": one, "fraud:1": other}))  # mended under the same revision
        server.start()
        eventually(lambda: ask(again, 1.0, 2.0).headers["x-modelport-version"] == "churn:2")


def test_keys_that_were_refused_are_not_what_it_starts_with(tmp_path: Path, server: Control) -> None:
    key, known = entry("infer:churn")
    limited = tuple(
        msgspec.structs.replace(known, id=f"many{number:04}", rate=Rate(1, 60)) for number in range(1025)
    )
    server.publish(plan(1, {"churn:1": server.register(factor=1.0)}))
    server.allow(AccessSnapshot(1, (known,)))
    with member(tmp_path, server, control_access=True) as running:
        running.wait_ready()
        server.allow(AccessSnapshot(2, (known, *limited)))
        eventually(lambda: running.events("plan refused"))
        server.kill()
        running.signal(signal.SIGTERM)
        running.end()
    with member(tmp_path, server, control_access=True) as again:
        again.wait_ready()
        assert value(again, key=key) == 3.0


def spoil(server: Control, url: str) -> None:
    """Cut the artifact of a URL: it has not the bytes of its digest any more."""
    digest = url.rpartition("/")[2].removesuffix(".bundle")
    lies = server.folder / "store" / "sha256" / digest[:2] / f"{digest}.bundle"
    lies.write_bytes(lies.read_bytes()[:-1])


def test_without_a_last_good_plan_it_starts_with_the_published_one(tmp_path: Path, server: Control) -> None:
    one = server.register(factor=1.0)
    server.store.write("plans/local/latest.json", msgspec.json.encode(plan(3, {"churn:1": one})))
    server.kill()
    with member(tmp_path, server, plan_url=f"{server.store.url}/plans/local/latest.json") as running:
        running.wait_ready()
        assert value(running) == 3.0


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "kind", ["garbage", "half", *(pytest.param(each, marks=SLOW) for each in ("500", "long"))]
)
def test_answers_that_cannot_be_used_change_nothing_and_are_asked_again(
    tmp_path: Path, server: Control, kind: str
) -> None:
    one, two = server.register(factor=1.0), server.register(factor=2.0)
    server.publish(plan(1, {"churn:1": one}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        server.fault(kind)
        eventually(lambda: running.events("control plane away") or running.events("document refused"))
        assert value(running) == 3.0
        server.publish(plan(2, {"churn:2": two}))
        server.fault("")
        eventually(lambda: value(running) == 6.0)


def test_a_bundle_that_cannot_be_fetched_holds_up_its_own_endpoint_alone(
    tmp_path: Path, server: Control
) -> None:
    good, absent = server.register(factor=1.0), server.register(factor=5.0)
    digest = absent.rpartition("/")[2].removesuffix(".bundle")
    hidden = server.folder / "hidden"
    lies = server.folder / "store" / "sha256" / digest[:2] / f"{digest}.bundle"
    lies.rename(hidden)
    server.publish(plan(1, {"churn:1": good, "fraud:1": absent}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        assert value(running) == 3.0
        report = told(server, lambda it: it.slots["fraud:1"].state == "failed")
        assert "no artifact" in report.slots["fraud:1"].reason
        assert report.endpoints["fraud"].revision is None
        assert "no artifact" in report.endpoints["fraud"].reason
        hidden.rename(lies)
        eventually(lambda: ask(running, 1.0, 1.0, model="fraud").status == 200)
        assert told(server, lambda it: it.slots["fraud:1"].state == "ready").endpoints["fraud"].reason == ""


def test_bytes_that_are_not_those_of_the_digest_are_never_served(tmp_path: Path, server: Control) -> None:
    good, cut = server.register(factor=1.0), server.register(factor=5.0)
    digest = cut.rpartition("/")[2].removesuffix(".bundle")
    lies = server.folder / "store" / "sha256" / digest[:2] / f"{digest}.bundle"
    lies.write_bytes(lies.read_bytes()[:-1] + b"?")
    server.publish(plan(1, {"churn:1": good, "fraud:1": cut}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        report = told(server, lambda it: it.slots["fraud:1"].state == "failed")
        assert "digest" in report.slots["fraud:1"].reason
        assert not list((tmp_path / "state" / "bundles").glob(f"sha256/*/{digest}*"))


def test_how_requests_end_is_evidence_about_the_slot_that_answered(tmp_path: Path, server: Control) -> None:
    server.publish(plan(1, {"churn:1": server.register(poison=POISON, nonfinite=NONFINITE)}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        assert ask(running, 1.0, 2.0).status == 200
        assert ask(running, POISON, 2.0).status == 500
        assert ask(running, NONFINITE, 2.0).status == 200
        assert ask(running, 1.0, 2.0, 3.0).status == 422
        eventually(lambda: count(server, "churn:1").trials == 3)
        seen = count(server, "churn:1")
        assert (seen.requests, seen.assigned, seen.faults, seen.broken) == (3, 4, 2, 1)
        assert sum(seen.latencies.values()) == 3
        report = told(server, lambda it: it.troubles)
        assert {trouble.subject for trouble in report.troubles} == {"churn:1"}


def test_requests_of_a_worker_that_is_killed_are_faults_of_their_slot(
    tmp_path: Path, server: Control
) -> None:
    server.publish(plan(1, {"churn:1": server.register(delay_ms=400.0)}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        asking = threading.Thread(target=lambda: _unanswered(running), daemon=True)
        asking.start()
        eventually(lambda: count(server, "churn:1").assigned == 1)
        os.kill(running.pids()[-1], signal.SIGKILL)
        eventually(lambda: count(server, "churn:1").faults == 1)
        assert count(server, "churn:1").trials == 1
        asking.join(10)


def _unanswered(running: Replica) -> None:
    with suppress(Exception):
        ask(running, 1.0, 2.0)


def test_a_caller_sticks_to_one_version_and_is_one_trial(tmp_path: Path, server: Control) -> None:
    slots = {"churn:1": server.register(factor=1.0), "churn:2": server.register(factor=2.0)}
    server.publish(plan(1, slots, salt="r1", churn_2=5_000, churn_1=5_000))
    users = [f"user-{number}" for number in range(20)]
    with member(tmp_path, server) as running:
        running.wait_ready()
        first = {user: value(running, user=user) for user in users}
        assert set(first.values()) == {3.0, 6.0}
        for _ in range(3):
            assert {user: value(running, user=user) for user in users} == first
        eventually(lambda: count(server, "churn:1").requests + count(server, "churn:2").requests == 80)
        assert count(server, "churn:1").trials + count(server, "churn:2").trials == len(users)
        os.kill(running.pids()[-1], signal.SIGKILL)
        eventually(lambda: answers(running))
        assert {user: value(running, user=user) for user in users} == first
        server.publish(plan(2, slots, salt="r2", churn_2=5_000, churn_1=5_000))
        eventually(lambda: {user: value(running, user=user) for user in users} != first)


def entry(scope: str) -> tuple[str, KeyEntry]:
    return make_key("shop", [scope], random=secrets.randbelow, now=0.0)


def test_the_control_of_a_rollout_answers_as_its_version_and_counts_apart(
    tmp_path: Path, server: Control
) -> None:
    one = server.register(factor=1.0)
    shares = (Share("churn:1~control", 5_000), Share("churn:1", 5_000))
    specs = tuple(SlotSpec(share.slot, "churn", 1, one) for share in shares)
    route = EndpointSpec("churn", Route(shares, salt="r1"))
    server.publish(ServingPlan(Revision(1, 1), specs, (route,)))
    with member(tmp_path, server) as running:
        running.wait_ready()
        assert {ask(running, 1.0, 2.0).headers["x-modelport-version"] for _ in range(40)} == {"churn:1"}
        eventually(lambda: count(server, "churn:1").trials + count(server, "churn:1~control").trials == 40)
        assert count(server, "churn:1~control").trials > 0
        with Raw(running.url) as raw:
            text = raw.ask(request("GET", "/metrics")).body.decode()
        rows = re.findall(r'(?m)^modelport_rows_total\{model="churn",version="1"\} (\d+)$', text)
        assert rows == ["40"]


def test_keys_of_the_fleet_are_enforced_and_revoked_without_any_model_work(
    tmp_path: Path, server: Control
) -> None:
    key, known = entry("infer:churn")
    other, unknown = entry("infer:other")
    (tmp_path / "key").write_text(key)
    server.publish(plan(1, {"churn:1": server.register(factor=1.0)}))
    server.allow(AccessSnapshot(1, (known, unknown)))
    settings: dict[str, Any] = {"control_access": True, "control_key": str(tmp_path / "key")}
    with member(tmp_path, server, **settings) as running:
        running.wait_ready()
        assert ask(running, 1.0, 2.0).status == 401
        assert ask(running, 1.0, 2.0, key=other).status == 403
        assert value(running, key=key) == 3.0
        assert (server.folder / "authorization").read_text() == f"Bearer {key}"
        server.allow(AccessSnapshot(2, (msgspec.structs.replace(known, revoked=True), unknown)))
        eventually(lambda: ask(running, 1.0, 2.0, key=key).status == 401)
        told(server, lambda it: it.access == 2)
        assert len(running.events("plan taken")) == 1
        server.kill()
        running.signal(signal.SIGTERM)
        running.end()
    with member(tmp_path, server, **settings) as again:  # the last keys hold while nobody can be asked
        again.wait_ready()
        assert ask(again, 1.0, 2.0, key=key).status == 401


def test_a_slot_that_has_gone_is_told_of_until_its_last_count_was_heard(
    tmp_path: Path, server: Control
) -> None:
    one, two = server.register(factor=1.0), server.register(factor=2.0)
    server.publish(plan(1, {"churn:1": one}))
    with member(tmp_path, server) as running:
        running.wait_ready()
        for _ in range(4):
            value(running)
        server.publish(plan(2, {"churn:2": two}))
        eventually(lambda: value(running) == 6.0)
        told(server, lambda it: "churn:2" in it.counters and "churn:1" not in it.counters)
        last = [report.counters["churn:1"] for report in server.reports if "churn:1" in report.counters][-1]
        assert last.trials >= 4
