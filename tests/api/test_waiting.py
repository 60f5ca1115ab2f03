"""Long polls and live views: many who wait, few threads, and a quick end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.api.conftest import Served, serving

from modelport.api.settings import Settings
from modelport.client.control import Control
from modelport.core.fleet import PlanStatus
from modelport.core.rollout import Progress

REPLICAS = 200


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Signs of life come soon."""
    return Settings(heartbeat=0.1)


@pytest.fixture
def replica(served: Served) -> Iterator[httpx.Client]:
    with served.http(served.new_key("replica", "service", "replica")) as http:
        yield http


def test_a_fleet_without_a_plan_answers_that_nothing_came(replica: httpx.Client, served: Served) -> None:
    served.platform.fleet.newest = None
    answer = replica.get("/api/v1/fleets/local/plan?wait=0.05")
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_plan_has_its_revision_as_its_tag(replica: httpx.Client, served: Served) -> None:
    served.platform.fleet.publish(7)
    answer = replica.get("/api/v1/fleets/local/plan?after=1-6&wait=5")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1-7"')
    assert answer.json()["revision"] == {"epoch": 1, "number": 7}
    assert replica.get("/api/v1/fleets/local/plan?after=1-7&wait=0.05").status_code == 304
    tag = {"If-None-Match": '"1-7"'}
    assert replica.get("/api/v1/fleets/local/plan", headers=tag).status_code == 304
    assert replica.get("/api/v1/fleets/local/access").headers["etag"] == '"1"'


def test_two_hundred_replicas_wait_without_a_thread_each_and_all_hear_of_a_plan(served: Served) -> None:
    key = served.new_key("fleet", "service", "replica")
    served.platform.fleet.publish(20)

    async def waiting() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=REPLICAS)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(
            base_url=served.url, headers=headers, limits=limits, timeout=60, verify=False
        ) as http:
            polls = [
                asyncio.create_task(http.get("/api/v1/fleets/local/plan?after=1-20&wait=30"))
                for _ in range(REPLICAS)
            ]
            await asyncio.sleep(2)
            assert not any(poll.done() for poll in polls)
            assert threading.active_count() < 80
            looks = served.platform.fleet.looks
            served.platform.fleet.publish(21)
            answers = await asyncio.gather(*polls)
            assert served.platform.fleet.looks - looks < 10
            return answers

    answers = asyncio.run(waiting())
    assert {answer.headers["etag"] for answer in answers} == {'"1-21"'}


def test_a_report_is_answered_with_what_there_is(replica: httpx.Client, served: Served) -> None:
    served.platform.fleet.publish(30)
    body = msgspec.json.encode(PlanStatus("r1", "i1", 1, ready=True))
    json = {"content-type": "application/json"}
    heard = replica.post("/api/v1/fleets/local/replicas/r1/status", content=body, headers=json)
    assert heard.json() == {"plan": {"epoch": 1, "number": 30}, "access": 1}
    other = replica.post("/api/v1/fleets/local/replicas/r2/status", content=body, headers=json)
    assert other.status_code == 400
    assert served.platform.fleet.reports[-1].replica == "r1"


def test_a_spool_arrives_where_it_belongs(replica: httpx.Client, served: Served) -> None:
    answer = replica.put("/api/v1/fleets/local/replicas/r1/spool/000001?offset=10", content=b"frames")
    assert answer.json() == {"offset": 16}
    assert served.platform.fleet.frames[-1] == ("000001", 10, b"frames")


def test_a_rollout_is_watched_until_its_end(served: Served, control: Control) -> None:
    control.deployments.deploy("watched", 2)
    served.platform.deployments.phase = "judging"
    views = control.rollouts.watch("watched")
    first = next(views)
    assert isinstance(first, Progress)
    assert first.rollout.phase == "judging"
    control.rollouts.rollback("watched")
    assert [one.rollout.phase for one in views] == ["rolled_back"]


def test_a_live_view_shows_signs_of_life_and_goes_on_where_it_was(served: Served) -> None:
    served.platform.deployments.phase = "judging"
    with served.http() as http:
        http.post("/api/v1/deployments/quiet/deploy", json={"version": 2})
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
    assert [line.message for line in control.logs.read()] == ["began", "ready"]
    followed = control.logs.follow(model="churn")
    assert next(followed).message == "ready"
    with (
        served.http() as http,
        http.stream("GET", "/api/v1/logs?follow=true", headers={"Last-Event-ID": "1"}) as answer,
    ):
        found = next(line for line in answer.iter_lines() if line.startswith("id:"))
    assert found == "id: 2"


def test_a_server_ends_without_waiting_for_those_who_wait(tmp_path: Path) -> None:
    with serving(tmp_path, Settings()) as served:
        served.platform.fleet.publish(1)
        answers: list[int] = []

        def wait() -> None:
            with served.http() as http:
                answers.append(http.get("/api/v1/fleets/local/plan?after=1-1&wait=60").status_code)

        waiter = threading.Thread(target=wait)
        waiter.start()
        while not served.platform.fleet.looks:
            pass
    waiter.join(timeout=15)
    assert answers in ([304], [])
    assert not waiter.is_alive()
