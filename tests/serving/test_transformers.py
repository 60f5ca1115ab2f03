"""Text encoders served: the native protocol and the Open Inference Protocol over a real replica."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.runtimes.transformer import tiny

from modelport.cli.quickstart.child import serving
from modelport.client import Client

LONG = "good film " * 40


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    tiny.Held().save(folder / "mood.bundle", "mood")
    tiny.entities().save(folder / "who.bundle", "who")
    tiny.several().save(folder / "tags.bundle", "tags")
    bundles: list[Path] = [folder / f"{name}.bundle" for name in ("mood", "who", "tags")]
    with serving(bundles, folder / "server.log") as served:
        yield served.url


def asked(url: str, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{url}{path}", json=body)


def test_a_text_gets_a_label_with_its_confidence(url: str) -> None:
    wanted = {"return_probabilities": True}
    answer = asked(url, "/v1/models/mood/predict", input="a good film", parameters=wanted)
    said = answer.json()
    assert answer.status_code == 200
    assert said["labels"] == ["down", "up", "flat"]
    assert said["confidence"] == max(said["probabilities"])
    assert said["prediction"] == said["labels"][said["probabilities"].index(said["confidence"])]
    assert "truncated" not in said


def test_a_list_is_answered_in_order_and_a_bad_item_fails_alone(url: str) -> None:
    items = ["good", "nul \x00", LONG, "bad film", ""]
    results = asked(url, "/v1/models/mood/predict", input=items).json()["results"]
    assert [each["index"] for each in results] == list(range(5))
    assert results[1]["error"]["code"] == "nul-character"
    alone = [asked(url, "/v1/models/mood/predict", input=item).json() for item in ("good", "bad film", "")]
    for mine, other in zip([results[0], results[3], results[4]], alone, strict=True):
        assert mine["prediction"] == other["prediction"]
        assert abs(mine["confidence"] - other["confidence"]) < 1e-6


def test_a_cut_text_says_so_whoever_cut_it(url: str) -> None:
    """The model's own maximum, and a caller who asked for fewer tokens."""
    results = asked(url, "/v1/models/mood/predict", input=["good", LONG]).json()["results"]
    assert [each.get("truncated", False) for each in results] == [False, True]
    few = {"max_tokens": 2}
    short = asked(url, "/v1/models/mood/predict", input="good film the bad", parameters=few).json()
    assert short["truncated"]
    whole = asked(url, "/v1/models/mood/predict", input="good film").json()
    assert short["confidence"] == pytest.approx(whole["confidence"])


def test_a_cut_text_says_so_over_open_inference(url: str) -> None:
    texts = ["good", LONG, "bad", LONG]
    tensor = {"name": "text", "datatype": "BYTES", "shape": [4], "data": texts}
    for more in ({}, {"outputs": [{"name": "label"}]}):
        said = asked(url, "/v2/models/mood/infer", inputs=[tensor], **more).json()["parameters"]
        assert said["truncated"] is True
        assert said["truncated_rows"] == "1,3"
    one = {**tensor, "shape": [1], "data": ["good"]}
    assert "truncated" not in asked(url, "/v2/models/mood/infer", inputs=[one]).json()["parameters"]


def test_entities_stand_where_they_say(url: str) -> None:
    texts = ["a good film, the bad poor film", "", "great \U0001f600 film"]
    results = asked(url, "/v1/models/who/predict", input=texts).json()["results"]
    found = [each["prediction"] for each in results]
    assert sum(map(len, found)) > 1
    for text, entities in zip(texts, found, strict=True):
        for entity in entities:
            assert set(entity) == {"text", "label", "start", "end", "score"}
            assert text[entity["start"] : entity["end"]] == entity["text"]
            assert entity["label"] in {"GOOD", "BAD"}


def test_entities_are_json_where_there_are_only_tensors(url: str) -> None:
    meta = httpx.get(f"{url}/v2/models/who").json()
    assert [(each["name"], each["datatype"], each["shape"]) for each in meta["outputs"]] == [
        ("entities", "BYTES", [-1])
    ]
    tensor = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["a good film", ""]}
    answer = asked(url, "/v2/models/who/infer", inputs=[tensor]).json()
    native = asked(url, "/v1/models/who/predict", input=["a good film", ""]).json()["results"]
    assert [json.loads(row) for row in answer["outputs"][0]["data"]] == [
        each["prediction"] for each in native
    ]


def test_labels_that_hold_together_are_named(url: str) -> None:
    wanted = {"return_probabilities": True}
    results = asked(url, "/v1/models/tags/predict", input=["good", "bad film"], parameters=wanted).json()[
        "results"
    ]
    tensor = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["good", "bad film"]}
    outputs = asked(url, "/v2/models/tags/infer", inputs=[tensor]).json()["outputs"]
    holds = next(each["data"] for each in outputs if each["name"] == "labels")
    for row, said in enumerate(results):
        assert said["labels"] == ["calm", "loud", "new"]
        assert len(said["probabilities"]) == 3
        named = [name for name, one in zip(said["labels"], holds[row * 3 :], strict=False) if one]
        assert said["prediction"] == named


def test_the_answer_is_described(url: str) -> None:
    document = httpx.get(f"{url}/openapi.json").json()
    spans = document["components"]["schemas"]["who.Prediction"]["properties"]["prediction"]
    assert spans["items"]["properties"]["label"] == {"enum": ["GOOD", "BAD"]}


def test_the_client_asks_as_for_any_model(url: str) -> None:
    with Client(url) as client:
        answers = client.predict("who", ["good film", ""])
    assert isinstance(answers, list)
    assert len(answers) == 2


def test_what_is_no_text_is_refused(url: str) -> None:
    for wrong in (7, None, {"text": "good"}, [["good"]]):
        assert asked(url, "/v1/models/mood/predict", input=wrong).status_code == 422
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1, 1, 2], "data": ["a", "b"]}
    assert asked(url, "/v2/models/mood/infer", inputs=[tensor]).status_code in {400, 422}


def test_a_long_text_is_refused_by_the_rule_for_lengths(url: str) -> None:
    answer = asked(url, "/v1/models/mood/predict", input="good " * 2001)
    assert answer.status_code == 422
    assert answer.json()["code"] == "text-too-long"
