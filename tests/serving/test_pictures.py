"""Pictures over HTTP, from a real server."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from tests.runtimes.image.pictures import chunk, graph, noise, plain, png, saved

from modelport.client import Client
from modelport.compile.pack import pack
from modelport.runtimes.image.spec import ImageInput
from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, replica

RED, GREEN = saved(plain((250, 10, 10))), saved(plain((10, 250, 10)), "JPEG")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """The colours, alone on a server."""
    folder = tmp_path_factory.mktemp("served")
    labels = ["red", "green", "blue"]
    packed = pack(graph(), name="colours", sample=[RED, GREEN], image=ImageInput(size=8), labels=labels)
    packed.save(folder / "colours.bundle")
    with replica(folder, Settings(bundles=(str(folder / "colours.bundle"),), port=0)) as running:
        running.wait_ready()
        yield running


def ask(served: Replica, document: Any, path: str = "/v1/models/colours/predict") -> httpx.Response:
    return httpx.post(served.url + path, json=document, timeout=20)


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def test_one_picture_is_answered_with_its_label(served: Replica) -> None:
    with Client(served.url) as client:
        answer: Any = client.predict("colours", RED)
        assert answer.prediction == "red"
        assert answer.confidence > 0.9
        many: Any = client.predict("colours", [RED, GREEN])
        assert [each.prediction for each in many] == ["red", "green"]


def test_a_bad_picture_in_a_list_fails_alone(served: Replica) -> None:
    """At its place and with its reason: not base64, no picture, cut off, too large; the others answer."""
    items = [
        b64(RED),
        {"b64": "*"},
        b64(b"text"),
        b64(saved(noise(30, 30))[:900]),
        b64(png(9000, 9000)),
        b64(GREEN),
    ]
    results = ask(served, {"input": items}).json()["results"]
    assert [each.get("prediction") for each in results] == ["red", None, None, None, None, "green"]
    assert [each["error"]["code"] for each in results if "error" in each] == [
        "bad-base64",
        "image-format",
        "image-unreadable",
        "image-too-large",
    ]


def test_a_bad_picture_alone_is_the_callers_error(served: Replica) -> None:
    answer = ask(served, {"input": b64(b"text")})
    assert answer.status_code == 422
    assert answer.json()["code"] == "image-format"


def test_the_short_routes_take_pictures_too(served: Replica) -> None:
    assert ask(served, b64(GREEN), "/predict").json()["prediction"] == "green"
    assert ask(served, [b64(GREEN)], "/batch_predict").json()["results"][0]["prediction"] == "green"


def test_open_inference_takes_bytes_base64_and_a_raw_body(served: Replica) -> None:
    with Client(served.url) as client:
        found = client.infer("colours", {"image": np.array([RED, GREEN], object)})
        assert found.outputs["label"].tolist() == ["red", "green"]
        assert client.metadata("colours").inputs[0].datatype == "BYTES"
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [b64(GREEN)["b64"]]}
    answer = ask(served, {"inputs": [tensor]}, "/v2/models/colours/infer").json()
    assert answer["outputs"][0]["data"] == ["green"]
    raw = httpx.post(
        f"{served.url}/v2/models/colours/infer", content=RED, headers={"inference-header-content-length": "0"}
    )
    assert raw.status_code == 200
    assert b"red" in raw.content


def test_the_document_says_what_an_item_is(served: Replica) -> None:
    schema = served.get("/openapi.json")["components"]["schemas"]["colours.Item"]
    assert schema["properties"]["b64"]["contentEncoding"] == "base64"


def test_a_storm_of_hostile_pictures_leaves_memory_and_others_alone(served: Replica) -> None:
    """Bombs, noise and cut files from eight callers at once; a good picture is answered in between."""
    rows = zlib.compress(bytes(16_000_000), 9)
    hostile = [
        png(2048, 2048, chunk(b"IDAT", rows)),
        png(60_000, 60_000, chunk(b"IDAT", rows)),
        saved(noise(400, 400), "WEBP")[:-3000],
        b"GIF89a" + b"\xff" * 1000,
    ]
    worker = psutil.Process(served.pids()[0])
    ask(served, {"input": [b64(each) for each in hostile]})
    before = worker.memory_info().rss
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda place: ask(served, {"input": b64(hostile[place % 4])}), range(24)))
    assert {each.status_code for each in answers} <= {422, 503, 200}
    assert worker.memory_info().rss - before < 256 << 20
    assert ask(served, {"input": b64(RED)}).json()["prediction"] == "red"
