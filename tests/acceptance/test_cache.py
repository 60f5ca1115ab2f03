"""Answers given again by a real server: fast, marked, and never another caller's or model's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.models import NONFINITE
from tests.acceptance.rawclient import post, request
from tests.acceptance.served import Served, serve, summing

from modelport.core.telemetry import PredictionEvent
from modelport.serving.settings import MIB, Settings
from modelport.serving.telemetry.spool import read_spool


@pytest.fixture
def one(bundles: dict[str, str], tmp_path: Path) -> Iterator[Served]:
    """Three models, a cache, and a spool."""
    known = tuple(bundles[name] for name in ("numbers", "texts", "faulty"))
    settings = Settings(bundles=known, port=0, cache=8 * MIB, spool=str(tmp_path / "spool"))
    with serve(tmp_path, settings, summing("faulty")) as served:
        yield served


def test_a_repeated_request_is_answered_from_the_cache_and_says_so(one: Served, item: list[float]) -> None:
    asked = post("/v1/models/numbers/predict", {"input": item})
    first, second = one.ask(asked), one.ask(asked)
    assert "x-modelport-cache" not in first.headers
    assert second.headers["x-modelport-cache"] == "hit"
    known, repeated = first.json(), second.json()
    assert known.pop("prediction_id") != repeated.pop("prediction_id")
    assert known == repeated
    assert one.metric("modelport_requests_total", model="numbers", code="200") == 2
    assert one.metric("modelport_request_duration_seconds_count", model="numbers") == 1
    assert one.metric("modelport_cache_hits_total", model="numbers") == 1
    stats = one.ask(request("GET", "/v2/models/numbers/stats")).json()["model_stats"][0]["inference_stats"]
    assert (stats["cache_hit"]["count"], stats["cache_miss"]["count"]) == (1, 1)
    assert stats["success"]["count"] == 2


def test_what_only_shapes_the_answer_finds_it_whatever_protocol_asks(one: Served, item: list[float]) -> None:
    one.ask(post("/v1/models/numbers/predict", {"input": item}))
    shaped = {"input": item, "parameters": {"return_probabilities": True, "confidence_threshold": 1.0}}
    again = one.ask(post("/v1/models/numbers/predict", shaped))
    assert again.headers["x-modelport-cache"] == "hit"
    assert len(again.json()["probabilities"]) == 2
    metadata = one.ask(request("GET", "/v2/models/numbers")).json()["inputs"][0]
    tensor = {"name": metadata["name"], "datatype": metadata["datatype"], "shape": [1, 30], "data": item}
    asked = post("/v2/models/numbers/infer", {"inputs": [tensor]})
    assert one.ask(asked).headers["x-modelport-cache"] == "hit"


def test_texts_are_told_apart(one: Served) -> None:
    answers = [
        one.ask(post("/v1/models/texts/predict", {"input": text})) for text in ("free pills", "noon", "noon")
    ]
    assert [answer.headers.get("x-modelport-cache") for answer in answers] == [None, None, "hit"]


def test_a_caller_who_wants_a_fresh_answer_gets_it(one: Served, item: list[float]) -> None:
    asked = {"input": item}
    one.ask(post("/v1/models/numbers/predict", asked))
    fresh = one.ask(post("/v1/models/numbers/predict", asked, **{"cache-control": "no-cache"}))
    assert "x-modelport-cache" not in fresh.headers


def test_faults_are_never_repeated(one: Served) -> None:
    for _ in range(2):
        assert "x-modelport-cache" not in one.ask(summing("faulty", NONFINITE, 1.0)).headers
        assert "x-modelport-cache" not in one.ask(post("/v1/models/faulty/predict", {"input": "x"})).headers


def test_every_hit_leaves_a_join_record_that_says_so(one: Served, item: list[float], tmp_path: Path) -> None:
    asked = post("/v1/models/numbers/predict", {"input": item})
    ids = [one.ask(asked).json()["prediction_id"] for _ in range(3)]
    one.running.process.terminate()
    one.running.end()
    events = [event for event in read_spool(tmp_path / "spool") if isinstance(event, PredictionEvent)]
    cached = {event.prediction_id: event.cached for event in events}
    assert [cached[name] for name in ids] == [False, True, True]
