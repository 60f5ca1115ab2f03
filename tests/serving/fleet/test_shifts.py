"""Traffic is shifted back and forth under load, and nobody notices but by the version that answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.acceptance.rawclient import Answer, post
from tests.acceptance.traffic import traffic
from tests.serving.fleet.fleets import Control, control, member, plan

from modelport.core.plan import Revision
from modelport.testing.replica import eventually


def judge(answer: Answer) -> str:
    """Whether it names one version, and is that version's answer."""
    if answer.status != 200:
        return str(answer.status)
    told = answer.json()
    named = answer.headers["x-modelport-version"]
    return (
        "ok"
        if named == f"churn:{told['version']}" and told["prediction"] == 3.0 * told["version"]
        else "mixed"
    )


@pytest.mark.parametrize("shifts", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_forced_shifts_under_load_fail_no_request(tmp_path: Path, shifts: int) -> None:
    with control(tmp_path / "control") as server:
        slots = {"churn:1": server.register(factor=1.0), "churn:2": server.register(factor=2.0)}
        server.publish(plan(1, slots))
        with member(tmp_path, server, workers=2) as running:
            running.wait_ready()
            asked = [post("/v1/models/churn/predict", {"input": [1.0, 2.0]})]
            with traffic(running.url, asked, judge, rate=200, clients=4) as seen:
                for number in range(2, 2 + shifts):
                    share = number * 2_500 % 10_001
                    server.publish(plan(number, slots, salt="r", churn_2=share, churn_1=10_000 - share))
                    eventually(partial(_serves, server, number))
            assert seen.failed == 0, seen.counts
            assert seen.total > 100
            report = server.report
            assert report is not None
            assert report.endpoints["churn"].reason == ""


def _serves(server: Control, number: int) -> bool:
    report = server.report
    return report is not None and report.endpoints["churn"].revision == Revision(1, number)
