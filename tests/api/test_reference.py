"""What is told about the API is what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_origin

import jsonschema
import msgspec
import openapi_spec_validator
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.api import reference
from tests.api.conftest import Served

from modelport.api.counters import Counters
from modelport.api.examples import BODIES
from modelport.api.openapi import written
from modelport.api.routes import NOUNS
from modelport.api.shown import shown
from modelport.control.store import fleets
from modelport.errors import Overloaded

METRICS = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_the_openapi_document_is_valid_and_whole(served: Served) -> None:
    with served.http() as http:
        document = http.get("/api/v1/openapi.json").json()
    openapi_spec_validator.validate(document)
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(one.method, one.path) for noun in NOUNS for one in noun.operations}


def test_every_route_says_what_it_does_who_may_and_how_it_fails() -> None:
    for path in json.loads(written())["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["description"]
            assert {"400", "500"} <= operation["responses"].keys()


def test_every_body_has_an_example_that_is_one() -> None:
    taken = {one.name: one.body for noun in NOUNS for one in noun.operations if one.body is not None}
    assert taken.keys() == BODIES.keys()
    for name, shape in taken.items():
        example = msgspec.json.encode(BODIES[name])
        assert msgspec.json.decode(example, type=shape) == BODIES[name]
        assert example != b"{}"


def test_every_answer_has_an_example_that_is_one() -> None:
    answers = [one.answer for noun in NOUNS for one in noun.operations if one.answer is not None]
    without = [shape for shape in answers if shown(shape) is None]
    assert {get_origin(shape) for shape in without} == {dict}
    for shape in answers:
        if (example := shown(shape)) is not None:
            assert msgspec.json.decode(msgspec.json.encode(example), type=shape) == example


def test_every_example_is_one_of_its_schema() -> None:
    document = json.loads(written())
    media = [
        content
        for path in document["paths"].values()
        for operation in path.values()
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in part.get("content", {}).values()
        if "example" in content
    ]
    assert len(media) > 50
    for content in media:
        schema = {**content["schema"], "components": document["components"]}
        jsonschema.validate(content["example"], schema, jsonschema.Draft202012Validator)


def test_the_page_of_the_api_is_made_of_its_routes() -> None:
    text = reference.PAGE.read_text("utf-8")
    assert text == reference.page(text), "run `python tests/api/reference.py`"


def test_metrics_can_be_read_and_are_described(served: Served) -> None:
    with served.http() as http:
        text = http.get("/metrics").text
    told = {family.name for family in text_string_to_metric_families(text)}
    counters = Counters()
    counters.answered("live", 200, 0.5)
    families = list(text_string_to_metric_families(counters.exposition(3).decode()))
    assert told == {family.name for family in families}
    section = METRICS.read_text("utf-8").partition("## Control API")[2]
    for family in families:
        for sample in family.samples:
            assert f"`{sample.name}`" in section


def test_health_is_told_without_a_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with served.http(None) as http:
        assert http.get("/live").json() == {"status": "live"}
        assert http.get("/ready").status_code == 200
        with monkeypatch.context() as away:
            away.setattr(fleets, "every", gone)
            answer = http.get("/ready")
            assert (answer.status_code, answer.json()["detail"]) == (503, "its database is away")
            assert http.get("/live").status_code == 200
        assert http.get("/ready").status_code == 200


def gone(_: object) -> list[tuple[str, str]]:
    msg = "its database is away"
    raise Overloaded(msg)
