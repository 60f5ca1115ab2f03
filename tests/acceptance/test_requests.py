"""RELIABILITY cases 1 to 24: whatever is sent, the answer is of one form and the server serves on."""

from __future__ import annotations

import gzip
import json
import math
import struct

import pytest
from tests.acceptance.cases import FAULTY, FAULTY_V2, NATIVE, ROW, Case, raw, tensor
from tests.acceptance.hostile import CASES
from tests.acceptance.models import NONFINITE
from tests.acceptance.rawclient import NoAnswer, Raw, post, request
from tests.acceptance.served import Served

from modelport.testing.replica import eventually


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_request(served: Served, case: Case) -> None:
    before = {status: served.answered(status) for status in case.statuses}
    with served.unharmed(), Raw(served.url) as connection:
        for piece in case.pieces():
            if not connection.send(piece):
                break
        answer = connection.read()
        assert answer.status in case.statuses, answer.body[:500]
        if answer.status >= 400:
            served.clean(answer)
            assert not case.code or answer.code == case.code
        if case.closes:
            assert answer.headers.get("connection") == "close"
        if answer.headers.get("connection") == "close":
            assert connection.closed()
    eventually(lambda: served.answered(answer.status) > before[answer.status])


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'"x"', b"[" * 250_000, b'{"a":' * 250_000])
@pytest.mark.parametrize("path", ["/predict", "/batch_predict"])
def test_routes_of_the_only_model_refuse_what_is_no_request(alone: Served, path: str, body: bytes) -> None:
    with alone.unharmed():
        answer = alone.ask(raw(path, body))
        assert answer.status in {400, 422}
        assert answer.code in {"json-too-deep", "not-a-list"} or len(body) < 10
        alone.clean(answer)


def test_the_only_route_names_no_model_where_there_are_several(served: Served) -> None:
    answer = served.ask(post("/predict", {"text": "a"}))
    assert answer.status in {400, 404}
    served.clean(answer)


def test_10_an_answer_that_is_not_finite_is_null_or_an_error_in_json(served: Served) -> None:
    name = "modelport_nonfinite_outputs_total"
    before = served.metric(name, model="faulty")
    with served.unharmed():
        answer = served.ask(post(FAULTY, {"input": [[NONFINITE, 1.0], [1.0, 2.0]]}))
        assert answer.status == 200
        bad, good = answer.json()["results"]
        assert bad.get("prediction") is None
        assert good["prediction"] == 3.0
    eventually(lambda: served.metric(name, model="faulty") == before + 1)


def _nonfinite(**parameters: object) -> dict[str, object]:
    output = {"name": "value", "parameters": parameters}
    wanted = tensor(shape=[1, 2], datatype="FP64", data=[NONFINITE, 1.0])
    return {"inputs": [wanted], "outputs": [output]}


def test_10_an_answer_that_is_not_finite_is_null_or_an_error_in_v2_json(served: Served) -> None:
    with served.unharmed():
        answer = served.ask(post(FAULTY_V2, _nonfinite()))
        if answer.status == 200:
            assert answer.json()["outputs"][0]["data"] == [None]
        else:
            served.clean(answer)


def test_10_a_binary_answer_carries_the_ieee_value(served: Served) -> None:
    with served.unharmed():
        answer = served.ask(post(FAULTY_V2, _nonfinite(binary_data=True)))
        assert answer.status == 200
        size = int(answer.headers["inference-header-content-length"])
        assert math.isnan(struct.unpack("<d", answer.body[size:])[0])


def test_14_a_short_row_among_good_ones_fails_alone(served: Served) -> None:
    with served.unharmed():
        answer = served.ask(post(NATIVE, {"input": [ROW, ROW[:3], ROW]}))
        assert answer.status == 200
        first, bad, last = answer.json()["results"]
        assert first["prediction"] == last["prediction"] == "malignant"
        assert (bad["index"], bad["error"]["code"]) == (1, "wrong-length")


def test_07_a_compressed_request_is_read(served: Served) -> None:
    body = gzip.compress(json.dumps({"input": ROW}).encode())
    assert served.ask(raw(NATIVE, body, content_encoding="gzip")).json()["prediction"] == "malignant"


def test_22_an_answer_to_head_has_no_body(served: Served) -> None:
    with Raw(served.url) as connection:
        connection.send(request("HEAD", "/v2/health/live"))
        assert connection.read(head=True).status in {200, 405}
        assert connection.ask(request("GET", "/v2/health/live")).status == 200


def test_24_nothing_a_caller_sends_reaches_a_terminal_or_forges_a_header(served: Served) -> None:
    with Raw(served.url) as connection:
        connection.send(b"GET /%0d%0ax:y HTTP/1.1\r\nhost: localhost\r\nx-request-id: \x1b[31m\r\n\r\n")
        try:
            answer = connection.read()
        except NoAnswer:
            pytest.fail("no answer")
    assert b"\x1b" not in answer.body
    assert answer.headers.keys() <= {
        *("content-type", "content-length", "x-request-id", "x-content-type-options", "connection", "date"),
        *("server", "retry-after"),
    }
    assert b"\x1b" not in served.running._log.read_bytes()
