"""What an answer carries, over a real socket: an id, a coding its caller reads, a count where it belongs."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Raw, post, request
from tests.acceptance.served import Served, serve, summing, wait

from modelport.serving.settings import Limits, Settings

MANY = {"input": [[1.0, 100.0 + n] for n in range(20_000)]}
UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


@pytest.mark.parametrize(
    "path",
    ["/v2", "/v2/models", "/health", "/metrics", "/version", "/openapi.json", "/v2/models/numbers", "/no"],
)
def test_every_answer_has_an_id(served: Served, path: str) -> None:
    made = served.ask(request("GET", path)).headers["x-request-id"]
    assert re.fullmatch(r"[0-9A-Z]{26}", made)
    own = served.ask(request("GET", path, headers={"x-request-id": "mine-1"}))
    assert own.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("rows", [50, 20_000])
def test_a_long_answer_comes_packed_to_who_can_unpack_it(quick: Served, coding: str, rows: int) -> None:
    """50 rows are packed on the loop, 20,000 in a thread."""
    body = {"input": MANY["input"][:rows]}
    plain = quick.ask(post("/v1/models/faulty/predict", body))
    packed = quick.ask(post("/v1/models/faulty/predict", body, **{"accept-encoding": coding}))
    assert packed.headers["content-encoding"] == coding
    assert packed.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in plain.headers
    assert len(packed.body) < len(plain.body) / 3
    without_ids = re.compile(rb'"prediction_id":"[^"]*"')
    assert without_ids.sub(b"", UNPACK[coding](packed.body)) == without_ids.sub(b"", plain.body)


def test_a_short_answer_stays_plain(quick: Served) -> None:
    answer = quick.ask(summing("faulty", **{"accept-encoding": "gzip"}))
    assert "content-encoding" not in answer.headers
    assert answer.json()["prediction"] == 3.0


def test_packed_answers_keep_their_order_on_a_connection(quick: Served) -> None:
    """A short answer waits for the long one before it, which is packed in a thread."""
    long = post("/v1/models/faulty/predict", MANY, **{"accept-encoding": "gzip"})
    with Raw(quick.url) as raw:
        raw.send(long + summing("faulty") + long + summing("faulty"))
        answers = [raw.read() for _ in range(4)]
    assert ["content-encoding" in answer.headers for answer in answers] == [True, False, True, False]
    assert [answer.status for answer in answers] == [200] * 4


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_long_request_may_come_packed(quick: Served, coding: str) -> None:
    plain = post("/v1/models/faulty/predict", MANY).partition(b"\r\n\r\n")[2]
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    assert len(packed) > 4096, "else it would not leave the loop"
    head = {"content-encoding": coding, "content-type": "application/json"}
    with Raw(quick.url) as raw:
        raw.send(request("POST", "/v1/models/faulty/predict", packed, head) + summing("faulty"))
        answer, after = raw.read(), raw.read()
    assert len(answer.json()["results"]) == 20_000
    assert after.json()["prediction"] == 3.0


def test_a_packed_request_that_is_cut_is_refused_beside_the_loop(quick: Served) -> None:
    packed = gzip.compress(post("/v1/models/faulty/predict", MANY).partition(b"\r\n\r\n")[2])[:-20]
    head = {"content-encoding": "gzip", "content-type": "application/json"}
    with quick.unharmed():
        answer = quick.ask(request("POST", "/v1/models/faulty/predict", packed, head))
        assert (answer.status, answer.code) == (400, "bad-coding")
        quick.clean(answer)


def test_what_a_model_refuses_is_counted_for_that_model(served: Served) -> None:
    labels = {"model": "numbers", "code": "422", "protocol": "native"}
    before = served.metric("modelport_requests_total", **labels)
    answer = served.ask(post("/v1/models/numbers/predict", {"input": ["no", "numbers"]}))
    assert answer.status == 422
    assert answer.headers["x-modelport-version"] == "numbers:1"
    assert served.metric("modelport_requests_total", **labels) == before + 1


def test_statistics_tell_failures_from_answers(quick: Served) -> None:
    def fail() -> dict[str, int]:
        document = quick.ask(request("GET", "/v2/models/faulty/stats")).json()
        stats: dict[str, int] = document["model_stats"][0]["inference_stats"]["fail"]
        return stats

    before = fail()
    assert quick.ask(summing("faulty", 13.0, 1.0)).status == 500
    after = fail()
    assert after["count"] == before["count"] + 1
    assert after["ns"] > before["ns"]


def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "one.bundle", "one")
    settings = Settings(bundles=(bundle,), port=0, workers=1, limits=Limits(connections=2))
    with serve(tmp_path, settings, summing("one")) as one, Raw(one.url) as first, Raw(one.url) as second:
        assert [raw.ask(summing("one")).status for raw in (first, second)] == [200, 200]
        with Raw(one.url) as third:
            answer = third.read()
            assert (answer.status, answer.code) == (503, "too-many-connections")
            assert answer.headers["retry-after"] == "1"
            one.clean(answer)
            assert third.closed()
        first.sock.close()
        wait(0.1)


def test_the_head_of_the_next_request_has_its_own_time(quick: Served) -> None:
    """An answer must not give a head that came half before it the patience of an idle connection."""
    with Raw(quick.url) as raw:
        raw.send(summing("slow") + b"GET /v2/hea")
        assert raw.read().status == 200
        answer = raw.read()
        assert (answer.status, answer.code) == (408, "request-timeout")
        assert raw.closed()


def test_a_text_is_cut_behind_the_tokens_asked_for_and_the_answer_says_so(served: Served) -> None:
    def ask(item: object, tokens: int) -> dict[str, Any]:
        document = {"input": item, "parameters": {"max_tokens": tokens, "return_probabilities": True}}
        known: dict[str, Any] = served.ask(post("/v1/models/texts/predict", document)).json()
        return known

    whole, cut = ask("meet me, free pills now", 5), ask("meet me, free pills now", 2)
    same = ask("meet me", 5)
    assert "truncated" not in whole
    assert cut["truncated"] is True
    assert cut["probabilities"] == same["probabilities"] != whole["probabilities"]
    several = ask(["meet me", "meet me, free pills"], 2)["results"]
    assert [answer.get("truncated", False) for answer in several] == [False, True]


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"max_tokens": 3}, 422, "no-tokens"),
        ({"max_tokens": 0}, 400, "invalid-document"),
        ({"max_tokens": 2**80}, 400, "invalid-document"),
        ({"confidence_threshold": 1.5}, 400, "invalid-document"),
        ({"confidence_threshold": -0.1}, 400, "invalid-document"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(
    served: Served, item: list[float], parameters: dict[str, float], status: int, code: str
) -> None:
    answer = served.ask(post("/v1/models/numbers/predict", {"input": item, "parameters": parameters}))
    assert (answer.status, answer.code) == (status, code)
    served.clean(answer)


def test_feedback_for_a_replica_is_told_where_it_is_taken(served: Served) -> None:
    answer = served.ask(post("/v1/models/texts/feedback", {"prediction_id": "01A", "actual": "spam"}))
    assert (answer.status, answer.code) == (404, "feedback-elsewhere")
    served.clean(answer)


def test_a_wrong_method_is_told_the_right_ones(served: Served) -> None:
    for method, path, allowed in (
        ("DELETE", "/health", "GET, HEAD"),
        ("GET", "/v1/models/numbers/predict", "POST"),
        ("PUT", "/v2/models/numbers", "GET, HEAD"),
    ):
        answer = served.ask(request(method, path))
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_a_list_whose_every_row_fails_the_model_is_a_failure(quick: Served) -> None:
    answer = quick.ask(post("/v1/models/faulty/predict", {"input": [[13.0, 1.0], [13.0, 2.0]]}))
    assert (answer.status, answer.code) == (500, "model-failed")
    quick.clean(answer)
