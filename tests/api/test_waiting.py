"""Long polls and live views: many who wait, few threads, and a quick end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.api.conftest import Served, serving

from modelport.api.settings import Settings
from modelport.client.control import Control
from modelport.control.fleet import Fleets
from modelport.core.fleet import PlanStatus
from modelport.core.plan import ServingPlan
from modelport.core.rollout import Progress

REPLICAS = 200


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Signs of life come soon."""
    return Settings(heartbeat=0.1)


@pytest.fixture
def replica(served: Served) -> Iterator[httpx.Client]:
    with served.http(served.new_key("replica", "service", "replica", project="polls")) as http:
        yield http


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every look for a plan, by fleet."""
    seen: list[str] = []

    def counted(fleets: Fleets, project: str, fleet: str) -> ServingPlan | None:
        seen.append(fleet)
        return real(fleets, project, fleet)

    real = Fleets.plan
    monkeypatch.setattr(Fleets, "plan", counted)
    return seen


def test_a_fleet_without_a_plan_answers_that_nothing_came(replica: httpx.Client, served: Served) -> None:
    answer = replica.get("/api/v1/fleets/polled/plan?wait=0.05")
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_plan_has_its_revision_as_its_tag(replica: httpx.Client, served: Served) -> None:
    served.publish(7)
    answer = replica.get("/api/v1/fleets/polled/plan?after=1-6&wait=5")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1-7"')
    assert answer.json()["revision"] == {"epoch": 1, "number": 7}
    assert replica.get("/api/v1/fleets/polled/plan?after=1-7&wait=0.05").status_code == 304
    tag = {"If-None-Match": '"1-7"'}
    assert replica.get("/api/v1/fleets/polled/plan", headers=tag).status_code == 304
    access = replica.get("/api/v1/fleets/polled/access")
    assert access.headers["etag"] == f'"{access.json()["revision"]}"'


def test_two_hundred_replicas_wait_without_a_thread_each_and_all_hear_of_a_plan(
    served: Served, looks: list[str]
) -> None:
    key = served.new_key("fleet", "service", "replica", project="polls")
    served.publish(20)

    async def waiting() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=REPLICAS)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(
            base_url=served.url, headers=headers, limits=limits, timeout=60, verify=False
        ) as http:
            polls = [
                asyncio.create_task(http.get("/api/v1/fleets/polled/plan?after=1-20&wait=30"))
                for _ in range(REPLICAS)
            ]
            await asyncio.sleep(2)
            assert not any(poll.done() for poll in polls)
            assert threading.active_count() < 80
            before = len(looks)
            served.publish(21)
            answers = await asyncio.gather(*polls)
            assert len(looks) - before < 10
            return answers

    answers = asyncio.run(waiting())
    assert {answer.headers["etag"] for answer in answers} == {'"1-21"'}


def test_a_report_is_answered_with_what_there_is(replica: httpx.Client, served: Served) -> None:
    served.publish(30)
    body = msgspec.json.encode(PlanStatus("r1", "i1", 1, ready=True))
    json = {"content-type": "application/json"}
    heard = replica.post("/api/v1/fleets/polled/replicas/r1/status", content=body, headers=json)
    access = replica.get("/api/v1/fleets/polled/access").json()["revision"]
    assert heard.json() == {"plan": {"epoch": 1, "number": 30}, "access": access}
    other = replica.post("/api/v1/fleets/polled/replicas/r2/status", content=body, headers=json)
    assert other.status_code == 400
    assert [one.name for one in served.platform.fleet.replicas("polls", "polled")] == ["r1"]


def test_a_spool_arrives_where_it_belongs(replica: httpx.Client, served: Served) -> None:
    file = "000001-000-000001.spool"
    path = f"/api/v1/fleets/polled/replicas/r1/spool/{file}"
    for offset, there in ((0, 6), (6, 12), (6, 12), (40, 12)):
        answer = replica.put(f"{path}?offset={offset}", content=b"frames")
        assert answer.json() == {"offset": there}
    shipped = served.platform.where.folder / "spools" / "polled" / "r1" / file
    assert shipped.read_bytes() == b"framesframes"


def test_a_rollout_is_watched_until_its_end(served: Served, control: Control) -> None:
    served.deploy("watched")
    views = control.rollouts.watch("watched")
    first = next(views)
    assert isinstance(first, Progress)
    assert first.rollout.phase == "preparing"
    control.rollouts.rollback("watched")
    assert [one.rollout.phase for one in views][-1] == "failed"  # there is none to go back to


def test_a_live_view_shows_signs_of_life_and_goes_on_where_it_was(served: Served) -> None:
    served.deploy("quiet")
    with served.http() as http:
        path = "/api/v1/deployments/quiet/rollout/events"
        with http.stream("GET", path) as answer:
            lines = answer.iter_lines()
            place = next(lines).removeprefix("id: ")
            assert next(line for line in lines if line.startswith(":")) == ": still here"
        with http.stream("GET", path, headers={"Last-Event-ID": place}) as answer:
            assert next(answer.iter_lines()) == ": still here"


def test_what_is_wrong_with_a_live_view_is_said_before_it_begins(served: Served) -> None:
    with served.http() as http:
        assert http.get("/api/v1/deployments/nowhere/rollout/events").status_code == 404


def test_logs_are_followed_from_the_last_line(served: Served, control: Control) -> None:
    logs = served.platform.where.folder / "logs"
    lines = (("control", 1, "began", ""), ("replica-local", 2, "ready", "churn:1"))
    for name, second, event, slot in lines:
        line = {"time": f"2026-01-02T03:04:0{second}Z", "level": "info", "event": event, "slot": slot}
        (logs / f"{name}.log").write_bytes(msgspec.json.encode(line) + b"\n")
    place = control.logs.read()[0].place
    assert [line.message for line in control.logs.read()] == ["began", "ready"]
    followed = control.logs.follow(model="churn")
    assert next(followed).message == "ready"
    with (
        served.http() as http,
        http.stream("GET", "/api/v1/logs?follow=true", headers={"Last-Event-ID": place}) as answer,
    ):
        found = next(line for line in answer.iter_lines() if line.startswith("data:"))
    assert "ready" in found


def test_a_server_ends_without_waiting_for_those_who_wait(tmp_path: Path, looks: list[str]) -> None:
    with serving(tmp_path, Settings()) as served:
        served.publish(1)
        answers: list[int] = []

        def wait() -> None:
            with served.http(served.new_key("waiter", "admin", project="polls")) as http:
                answers.append(http.get("/api/v1/fleets/polled/plan?after=1-1&wait=60").status_code)

        waiter = threading.Thread(target=wait)
        waiter.start()
        while "polled" not in looks:
            time.sleep(0.01)
    waiter.join(timeout=15)
    assert answers in ([304], [])
    assert not waiter.is_alive()
