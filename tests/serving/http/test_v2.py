"""Handlers of the Open Inference Protocol V2, over an engine that answers at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from modelport.core.manifest import Manifest, Parameters, Validation
from modelport.core.plan import Revision, Route, Share, SlotSpec
from modelport.core.signature import Field, Signature
from modelport.core.traffic import Splitter
from modelport.errors import BadRequest, InvalidInput, NotFound, Overloaded
from modelport.runtimes.batch import Batch
from modelport.serving import shared
from modelport.serving.call import NEVER, Call
from modelport.serving.codecs.items import Items
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.counters import SlotCounters
from modelport.serving.http.app import App, Target
from modelport.serving.http.exchange import Exchange
from modelport.serving.http.v2 import OpenInference, V2Call
from modelport.serving.replica import ledger
from modelport.serving.results import Meaning, Results
from modelport.serving.shared import Segment
from modelport.serving.table import LiveEndpoint, LiveSlot, Table

MANIFEST = Manifest(
    1,
    "onnx",
    "classification",
    Signature(
        "vector",
        (Field("input", "FP32", (-1, 2)),),
        (Field("label", "INT64", (-1,)), Field("probabilities", "FP32", (-1, 2))),
    ),
    ("stays", "leaves"),
    (),
    Parameters(),
    (),
)
BODY = b'{"inputs":[{"name":"input","shape":[1,2],"datatype":"FP32","data":[1,2]}]}'


class Wire:
    """Keeps what is sent."""

    principal: object = None

    def __init__(self) -> None:
        self.sent = b""

    def send(self, exchange: Exchange, data: bytes) -> None:
        self.sent += data

    def aside(self, work: Callable[[], bytes], then: Callable[[Future[bytes]], None]) -> None:
        done: Future[bytes] = Future()
        done.set_result(work())
        then(done)


class AnsweringEngine:
    """Answers every call with one batch of three rows, of which the call's are the last."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def infer(self, call: Call) -> None:
        self.calls.append(call)
        tensors = {
            "label": np.array([0, 0, 1]),
            "probabilities": np.array([[1, 0], [1, 0], [0.25, 0.75]], np.float32),
        }
        call.status = call.answered(Results(Batch(3, tensors), call.slot.meaning), 2)


def slot(segment: Segment, version: int) -> LiveSlot:
    return LiveSlot(
        spec=SlotSpec(f"churn:{version}", "churn", version, "churn.bundle"),
        manifest=MANIFEST,
        identity="0" * 64,
        meaning=Meaning(MANIFEST),
        parameters=Parameters(),
        rules=Rules(Validation()),
        items=Items(MANIFEST.signature, Rules(Validation())),
        truncation=Truncation(cast("Any", None), MANIFEST.signature, None),
        counters=SlotCounters(segment, 0, version),
        dispatcher=cast("Any", SimpleNamespace(unready="")),  # the engine above queues nothing
        place=version,
        stamp=b"x-modelport-version: %d\r\n" % version,
    )


@pytest.fixture
def app() -> Iterator[Any]:
    segment = Segment.create(1, slots=4, keys=1)
    slots = {version: slot(segment, version) for version in (1, 2)}
    shares = (Share("churn:1", 0), Share("churn:2", 10_000))
    endpoint = LiveEndpoint(
        "churn",
        Route(shares),
        tuple(slots.values()),
        slots,
        Splitter(shares),
        Revision(0, 1),
        b"x-modelport-revision: 0-1\r\n",
    )
    yield SimpleNamespace(
        table=Table(Revision(0, 1), {"churn": endpoint}),
        engine=AnsweringEngine(),
        segment=segment,
        ready=True,
        unready_reason="",
    )
    segment.close()


def ask(app: Any, handler: str, body: bytes = b"", *, version: int = 0, **headers: str) -> Exchange:
    """The exchange after a handler of `churn` has had it."""
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    exchange = Exchange(Wire(), b"POST", b"/v2", named, keep_alive=True)
    exchange.body = body
    exchange.id = exchange.request_id = "01JPREDICTION"
    target = Target({}, "predict", app.table.endpoint("churn"), version)
    getattr(OpenInference(cast("App", app)), handler)(exchange, target)
    return exchange


def sent(exchange: Exchange) -> tuple[bytes, bytes]:
    """Head and body of the answer."""
    head, _, body = cast("Wire", exchange.wire).sent.partition(b"\r\n\r\n")
    return head, body


def document(exchange: Exchange) -> Any:
    return msgspec.json.decode(sent(exchange)[1])


def test_an_inference_answers_its_own_rows_and_says_who_answered(app: Any) -> None:
    exchange = ask(app, "infer", BODY)
    answer = document(exchange)
    assert exchange.status == 200
    assert b"x-modelport-version: 2" in sent(exchange)[0]
    assert (answer["model_name"], answer["model_version"]) == ("churn", "2")
    assert answer["outputs"][0]["data"] == ["leaves"]
    assert answer["parameters"]["prediction_id"] == app.engine.calls[0].id == "01JPREDICTION"
    assert exchange.call is None, "answered: nothing is left to cancel"


def test_an_answered_request_leaves_nothing_to_the_garbage_collector(app: Any) -> None:
    """Request and call hold each other; else the collector would run for every one."""
    ask(app, "infer", BODY)
    app.engine.calls.clear()
    gc.collect()
    for _ in range(10):
        ask(app, "infer", BODY)
        app.engine.calls.clear()
    assert gc.collect() == 0


def test_the_version_of_the_path_answers(app: Any) -> None:
    assert document(ask(app, "infer", BODY, version=1))["model_version"] == "1"
    with pytest.raises(NotFound, match="no version 9"):
        ask(app, "infer", BODY, version=9)


def test_a_binary_answer_says_where_its_json_ends(app: Any) -> None:
    asked = BODY[:-1] + b',"parameters":{"binary_data_output":true}}'
    head, body = sent(ask(app, "infer", asked))
    assert b"content-type: application/octet-stream" in head
    length = int(head.partition(b"inference-header-content-length: ")[2].partition(b"\r\n")[0])
    assert msgspec.json.decode(body[:length])["outputs"][1]["parameters"] == {"binary_data_size": 8}
    assert np.frombuffer(body[-8:], "<f4").tolist() == [0.25, 0.75]


def test_the_earlier_deadline_counts(app: Any) -> None:
    ask(app, "infer", BODY)
    ask(app, "infer", BODY[:-1] + b',"parameters":{"timeout":2000000}}')
    ask(app, "infer", BODY[:-1] + b',"parameters":{"timeout":2000000}}', request_timeout_ms="500")
    assert [call.deadline for call in app.engine.calls] == [NEVER, 2.0, 0.5]


def test_an_output_that_cannot_be_classified_is_the_caller_s_fault(app: Any) -> None:
    asked = BODY[:-1] + b',"outputs":[{"name":"label","parameters":{"classification":1}}]}'
    exchange = ask(app, "infer", asked)
    assert (exchange.status, document(exchange)["code"]) == (400, "not-classifiable")


def test_what_other_routes_call_422_is_400_here(app: Any) -> None:
    ask(app, "infer", BODY)
    call = app.engine.calls[0]
    assert isinstance(call, V2Call)
    call.exchange.done = False
    assert call.failed(InvalidInput("unknown category", code="unknown-category")) == 400


def test_health_is_told_as_every_client_reads_it(app: Any) -> None:
    assert document(ask(app, "live")) == {"live": True}
    assert document(ask(app, "ready")) == {"ready": True, "live": True}
    assert document(ask(app, "model_ready")) == {"name": "churn", "ready": True}


def test_a_server_that_is_not_ready_says_why(app: Any) -> None:
    app.ready, app.unready_reason = False, "draining"
    with pytest.raises(Overloaded, match="draining"):
        ask(app, "ready")


def test_metadata_names_versions_and_public_dtypes(app: Any) -> None:
    found = document(ask(app, "model_metadata"))
    assert found["versions"] == ["1", "2"]
    assert found["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
    assert found["outputs"][0] == {"name": "label", "datatype": "BYTES", "shape": [-1]}
    assert document(ask(app, "server_metadata"))["name"] == "modelport"
    assert document(ask(app, "models")) == {"models": ["churn"]}


def test_config_leaves_the_rows_out_of_the_sizes(app: Any) -> None:
    found = document(ask(app, "config"))
    assert found["input"] == [{"name": "input", "data_type": "TYPE_FP32", "dims": [2]}]
    assert found["output"][0]["data_type"] == "TYPE_STRING"
    assert found["max_batch_size"] == 256


def test_statistics_are_of_all_versions_or_the_one_named(app: Any) -> None:
    assert [one["version"] for one in document(ask(app, "stats"))["model_stats"]] == ["1", "2"]
    assert [one["version"] for one in document(ask(app, "stats", version=2))["model_stats"]] == ["2"]


def test_statistics_of_a_rollout_hold_what_its_control_slot_answered(app: Any) -> None:
    endpoint = app.table.endpoint("churn")
    control = replace(
        slot(app.segment, 1), spec=SlotSpec("churn:1~control", "churn", 1, "churn.bundle"), place=3
    )
    app.table.endpoints["churn"] = replace(endpoint, arms=(*endpoint.arms, control))
    ledger.begin(app.segment, 0, incarnation=1, restart=False)
    SlotCounters(app.segment, 0, 3).add(shared.ROWS, 5)
    [first, second] = document(ask(app, "stats"))["model_stats"]
    assert (first["version"], first["inference_count"]) == ("1", 5)
    assert second["inference_count"] == 0


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ready":true}'])
def test_the_index_lists_every_version(app: Any, body: bytes) -> None:
    assert document(ask(app, "index", body)) == [
        {"name": "churn", "version": version, "state": "READY", "reason": ""} for version in ("1", "2")
    ]


@pytest.mark.parametrize("handler", ["load", "unload"])
def test_models_are_not_controlled_by_callers(app: Any, handler: str) -> None:
    with pytest.raises(BadRequest, match="from a plan") as caught:
        ask(app, handler)
    assert (caught.value.status, caught.value.code) == (400, "model-control-disabled")
