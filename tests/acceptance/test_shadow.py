"""A real server that repeats requests at another version: nobody notices, and the difference is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.acceptance.models import POISON, dummy
from tests.acceptance.rawclient import Raw, post, request
from tests.acceptance.served import Served, serve, summing

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.core.telemetry import PredictionEvent
from modelport.serving.settings import Settings
from modelport.serving.telemetry.spool import read_spool
from modelport.testing.replica import eventually, publish


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """Two versions of `swap`; the second doubles the sum, and fails on its poison."""
    second = dummy(tmp_path / "2.bundle", "swap", factor=2.0, poison=POISON)
    return dummy(tmp_path / "1.bundle", "swap"), second


@pytest.fixture
def one(pair: tuple[str, str], tmp_path: Path) -> Iterator[Served]:
    settings = Settings(bundles=pair, shadow={"swap": {2: 100}}, port=0, spool=str(tmp_path / "spool"))
    with serve(tmp_path, settings, summing("swap")) as served:
        yield served


def compared(one: Served, requests: int) -> object:
    """What is told of the shadow, once so many requests were compared."""

    def look() -> object:
        (shadow,) = one.ask(request("GET", "/debug/shadow")).json()["shadows"]
        known = shadow["compared_with"].get("swap:1")
        return known if known and known["requests"] >= requests else None

    return eventually(look)


def test_every_answer_is_the_first_versions_and_the_second_is_compared(one: Served) -> None:
    with Raw(one.url) as raw:
        for _ in range(20):
            answer = raw.ask(summing("swap")).json()
            assert (answer["version"], answer["prediction"]) == (1, 3.0)
    known = compared(one, 21)
    assert isinstance(known, dict)
    assert (known["agreement"], known["shift"]) == (0.0, {"mean": 3.0, "max": 3.0})
    worst = known["worst"][0]
    assert (worst["answered"]["prediction"], worst["shadow"]["prediction"]) == (3.0, 6.0)
    assert worst["input"] == {"input": [1.0, 2.0]}
    assert one.metric("modelport_shadow_rows_total", model="swap", version="2") == 21
    assert one.metric("modelport_requests_total", version="2", protocol="native") == 0
    assert one.metric("modelport_requests_total", version="2", protocol="shadow") == 21
    stats = one.ask(request("GET", "/v2/models/swap/versions/2/stats")).json()["model_stats"][0]
    assert stats["inference_stats"]["success"]["count"] == 0


def test_a_shadow_that_fails_is_nobodys_trouble(one: Served) -> None:
    with one.unharmed():
        assert one.ask(summing("swap", POISON, 1.0)).json()["prediction"] == POISON + 1
        eventually(lambda: one.metric("modelport_requests_total", protocol="shadow", code="500") == 1)


def test_events_of_the_shadow_say_so_and_carry_the_id_of_the_answer(one: Served, tmp_path: Path) -> None:
    name = one.ask(summing("swap")).json()["prediction_id"]
    compared(one, 2)
    one.running.process.terminate()
    one.running.end()
    events = [event for event in read_spool(tmp_path / "spool") if isinstance(event, PredictionEvent)]
    assert [(event.slot, event.protocol) for event in events if event.prediction_id == name] == [
        ("swap:1", "native"),
        ("swap:2", "shadow"),
    ]


def test_a_caller_may_ask_the_shadow_by_its_version(one: Served) -> None:
    answer = one.ask(post("/v1/models/swap:2/predict", {"input": [1.0, 2.0]})).json()
    assert (answer["version"], answer["prediction"]) == (2, 6.0)


def test_a_shadow_that_cannot_be_loaded_holds_up_nothing(pair: tuple[str, str], tmp_path: Path) -> None:
    slots = (SlotSpec("swap:1", "swap", 1, pair[0]), SlotSpec("swap:2", "swap", 2, str(tmp_path / "none")))
    route = Route((Share("swap:1", 10_000),), shadows=(Share("swap:2", 10_000),))
    plan = ServingPlan(Revision(0, 1), slots, (EndpointSpec("swap", route),))
    path = publish(tmp_path / "plan.json", plan)
    with serve(tmp_path, Settings(plan=path, port=0), summing("swap")) as served:
        assert served.ask(request("GET", "/debug/shadow")).json()["shadows"] == []
        told = served.ask(request("GET", "/debug/plan")).json()
        assert told["endpoints"]["swap"]["shadows"] == {"swap:2": 10_000}
        assert told["slots"]["swap:2"]["state"] == "failed"
        mended = msgspec.structs.replace(slots[1], bundle=pair[1])
        again = msgspec.structs.replace(plan, revision=Revision(0, 2), slots=(slots[0], mended))
        publish(tmp_path / "plan.json", again)
        eventually(lambda: served.ask(request("GET", "/debug/shadow")).json()["shadows"])
