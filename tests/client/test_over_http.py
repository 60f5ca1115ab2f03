"""Both clients against a real server in a thread that misbehaves on demand."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from modelport.client import NEVER, Answer, AsyncClient, Client, ItemError, Retries, Truth
from modelport.core.sights import Taken
from modelport.errors import (
    DeadlineExceeded,
    InvalidInput,
    ModelportError,
    NotFound,
    Overloaded,
    SettingsError,
    Unauthenticated,
)

Play = Callable[["Handler"], None]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Message[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Keep-alive HTTP/1.1; the server's `play` decides what happens to each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Faulty

    def _any(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append(Asked(self.path, self.headers, self.body))
        self.server.ports.add(self.client_address[1])
        self.server.play(self)

    do_GET = do_POST = _any  # noqa: N815 - the names the standard library looks for

    def answer(self, document: object, status: int = 200, **headers: str) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
        """Silent."""


class Faulty(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[Asked] = []
        self.ports: set[int] = set()
        self.play: Play = lambda handler: handler.answer(row(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def script(self, *plays: Play) -> None:
        """One play after the other, the last one for ever."""
        queue = list(plays)

        def play(handler: Handler) -> None:
            (queue.pop(0) if len(queue) > 1 else queue[0])(handler)

        self.play = play


@pytest.fixture
def server() -> Iterator[Faulty]:
    with Faulty() as faulty:
        thread = threading.Thread(target=faulty.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield faulty
        faulty.shutdown()
        thread.join()


class Blocking:
    """`AsyncClient` behind the methods of `Client`, so that one set of tests holds for both."""

    def __init__(self, url: str, key: str | None = None, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(url, key, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))

    def predict_many(self, *args: Any, **kwargs: Any) -> list[Answer | ItemError]:
        async def all_of_it() -> list[Answer | ItemError]:
            return [entry async for entry in self._client.predict_many(*args, **kwargs)]

        return self._runner.run(all_of_it())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture(params=[Client, Blocking], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest, server: Faulty) -> Iterator[Callable[..., Client]]:
    opened: list[Any] = []

    def make(*args: Any, **options: Any) -> Client:
        options.setdefault("retries", Retries(base=0.001))
        client = request.param(server.url, *args, **options)
        opened.append(client)
        return client  # type: ignore[no-any-return]

    yield make
    for client in opened:
        client.__exit__()


def row(number: int, **more: object) -> dict[str, object]:
    answer = {"prediction_id": f"p{number}", "model": "churn", "version": 2, "prediction": "stays"}
    return answer | {"confidence": 0.9, "below_threshold": False} | more


def problem(status: int, code: str, **more: object) -> Play:
    headers = {"retry_after": str(more.pop("retry_after"))} if "retry_after" in more else {}
    document = {"status": status, "code": code, "detail": f"{code}!", "error": f"{code}!"} | more
    return lambda handler: handler.answer(
        document, status, content_type="application/problem+json", **headers
    )


def test_one_item_answers_one_object(server: Faulty, connect: Callable[..., Client]) -> None:
    server.play = lambda handler: handler.answer(row(0, label="2.1.0", a_member_of_tomorrow=1))
    answer = connect("secret").predict(
        "churn:2",
        {"tenure": 3},
        parameters={"return_probabilities": True},
        id="mine",
        user_id="u7",
        deadline=9,
    )
    assert (answer.prediction, answer.version, answer.label) == ("stays", 2, "2.1.0")
    [asked] = server.seen
    assert asked.path == "/v1/models/churn:2/predict"
    assert json.loads(asked.body) == {
        "input": {"tenure": 3},
        "parameters": {"return_probabilities": True},
        "id": "mine",
    }
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["x-user-id"] == "u7"
    assert 8000 < int(asked.headers["request-timeout-ms"]) <= 9000


def test_a_list_answers_each_item_and_a_bad_one_fails_alone(
    server: Faulty, connect: Callable[..., Client]
) -> None:
    bad = {
        "index": 1,
        "error": {"status": 422, "code": "invalid-input", "detail": "no", "pointer": "/input/1"},
    }
    server.play = lambda handler: handler.answer({"results": [row(0, index=0), bad]})
    good, refused = connect().predict("churn", [{"tenure": 3}, {}])  # type: ignore[misc]
    assert isinstance(good, Answer)
    assert isinstance(refused, ItemError)
    assert isinstance(refused.error, InvalidInput)
    assert (refused.index, refused.error.pointer) == (1, "/input/1")


def test_arrays_and_bytes_can_be_items(server: Faulty, connect: Callable[..., Client]) -> None:
    client = connect()
    client.predict("m", np.array([[1.0, np.nan]]))
    client.predict("m", b"\x89PNG")
    client.predict("m", {"a": np.float32(0.5)})
    inputs = [json.loads(asked.body)["input"] for asked in server.seen]
    assert inputs == [[[1.0, None]], {"b64": base64.b64encode(b"\x89PNG").decode()}, {"a": 0.5}]


def test_many_items_go_in_pieces_and_keep_their_places(
    server: Faulty, connect: Callable[..., Client]
) -> None:
    """The second piece is refused as a whole; its items come as errors and the third still follows."""

    def play(handler: Handler) -> None:
        items = json.loads(handler.body)["input"]
        if items[0] == 3:
            return problem(422, "invalid-input")(handler)
        return handler.answer({"results": [row(n, index=n) for n in range(len(items))]})

    server.play = play
    entries = list(connect().predict_many("churn", iter(range(7)), batch=3))
    assert [entry.index for entry in entries] == list(range(7))
    assert [isinstance(entry, ItemError) for entry in entries] == [False] * 3 + [True] * 3 + [False]
    assert [len(json.loads(asked.body)["input"]) for asked in server.seen] == [3, 3, 1]


def test_tensors_travel_in_binary_both_ways(server: Faulty, connect: Callable[..., Client]) -> None:
    def play(handler: Handler) -> None:
        size = int(handler.headers["inference-header-content-length"])
        head = json.loads(handler.body[:size])
        [tensor] = head["inputs"]
        values = np.frombuffer(handler.body[size:], "<f4").reshape(tensor["shape"])
        data, label = (values * 2).tobytes(), struct.pack("<I", 2) + b"ja"
        document = {
            "model_name": "churn",
            "model_version": "2",
            "id": head["id"],
            "outputs": [
                {
                    "name": "y",
                    "datatype": "FP32",
                    "shape": values.shape,
                    "parameters": {"binary_data_size": 24},
                },
                {"name": "label", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 6}},
                {"name": "plain", "datatype": "INT64", "shape": [2], "data": [1, 2]},
            ],
        }
        text = json.dumps(document).encode()
        handler.answer(text + data + label, inference_header_content_length=str(len(text)))

    server.play = play
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    answer = connect().infer("churn:2", {"x": x}, id="a")
    assert server.seen[0].path == "/v2/models/churn/versions/2/infer"
    assert (answer.model, answer.version, answer.id) == ("churn", "2", "a")
    np.testing.assert_array_equal(answer["y"], x * 2)
    assert answer["label"].tolist() == ["ja"]
    assert answer["plain"].tolist() == [1, 2]


def test_models_and_metadata_are_typed(server: Faulty, connect: Callable[..., Client]) -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": [-1, 30]}
    about = {"name": "churn", "platform": "onnx", "versions": ["1"], "inputs": [tensor], "outputs": [tensor]}
    server.script(
        lambda handler: handler.answer([{"name": "churn", "version": "1", "state": "READY"}]),
        lambda handler: handler.answer(about),
        lambda handler: handler.answer({"openapi": "3.1.0"}),
    )
    client = connect()
    [state] = client.models()
    assert (state.name, state.version, state.state) == ("churn", "1", "READY")
    assert client.metadata("churn").inputs[0].shape == (-1, 30)
    assert client.openapi() == {"openapi": "3.1.0"}
    paths = [asked.path for asked in server.seen]
    assert paths == ["/v2/repository/index", "/v2/models/churn", "/openapi.json"]


def test_probes_say_yes_or_no_and_never_retry(server: Faulty, connect: Callable[..., Client]) -> None:
    client = connect()
    assert client.live()
    server.play = problem(503, "not-ready")
    assert not client.ready()
    assert not client.ready("churn")
    assert [asked.path for asked in server.seen] == [
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/churn/ready",
    ]


def test_a_server_that_is_not_there_is_not_ready_and_unreachable(
    connect: Callable[..., Client], server: Faulty
) -> None:
    server.server_close()
    client = connect()
    assert not client.live()
    with pytest.raises(Overloaded) as caught:
        client.predict("churn", "x")
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    ("play", "raised"),
    [
        (problem(401, "unauthenticated"), Unauthenticated),
        (problem(404, "not-found"), NotFound),
        (problem(422, "invalid-input"), InvalidInput),
    ],
)
def test_a_refusal_is_raised_at_once_as_its_type(
    server: Faulty, connect: Callable[..., Client], play: Play, raised: type[ModelportError]
) -> None:
    server.play = play
    with pytest.raises(raised, match="!"):
        connect().predict("churn", "x")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [Handler.hang_up, problem(503, "overloaded", retry_after=0), problem(429, "rate-limited", retry_after=0)],
    ids=["hung-up", "overloaded", "rate-limited"],
)
def test_a_fault_that_passes_is_not_seen_by_the_caller(
    server: Faulty, connect: Callable[..., Client], fault: Play
) -> None:
    server.script(fault, lambda handler: handler.answer(row(0)))
    assert connect().predict("churn", "x").prediction == "stays"
    assert len(server.seen) == 2


def test_a_server_in_trouble_gets_a_tenth_more_and_no_avalanche(
    server: Faulty, connect: Callable[..., Client]
) -> None:
    server.play = problem(503, "overloaded", retry_after=0)
    client = connect()
    for _ in range(100):
        with pytest.raises(Overloaded):
            client.predict("churn", "x")
    assert len(server.seen) <= 100 + 10 + 3


def test_the_callers_deadline_holds_against_a_silent_server(
    server: Faulty, connect: Callable[..., Client]
) -> None:
    free = threading.Event()

    def hold(handler: Handler) -> None:
        free.wait(10)
        handler.hang_up()

    server.play = hold
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        connect().predict("churn", "x", deadline=0.1)
    assert time.monotonic() - started < 5
    free.set()


def test_an_answer_that_drips_in_is_cut_off(server: Faulty, connect: Callable[..., Client]) -> None:
    free = threading.Event()

    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            while not free.wait(0.01):
                handler.wfile.write(b" ")
        handler.hang_up()

    server.play = drip
    with pytest.raises(DeadlineExceeded):
        connect().predict("churn", "x", deadline=0.2)
    free.set()


@pytest.mark.parametrize(
    "body", [b"<html>a proxy's page</html>", b"[]", b'{"results": 7}', b'{"model": "churn"}']
)
def test_an_answer_that_is_not_ours_is_said_so(
    server: Faulty, connect: Callable[..., Client], body: bytes
) -> None:
    server.play = lambda handler: handler.answer(body)
    with pytest.raises(ModelportError) as caught:
        connect().predict("churn", "x")
    assert caught.value.code == "bad-answer"


def test_a_broken_content_coding_is_said_so(server: Faulty, connect: Callable[..., Client]) -> None:
    server.play = lambda handler: handler.answer(b"not gzip", content_encoding="gzip")
    with pytest.raises(ModelportError) as caught:
        connect().predict("churn", "x")
    assert caught.value.code == "bad-answer"


def test_feedback_goes_to_the_control_plane_with_the_callers_key(
    server: Faulty, connect: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELPORT_CONTROL", raising=False)
    taken = {"new": 1, "corrections": 2, "repeated": 3}
    server.script(problem(503, "database-busy", retry_after=0.0), lambda handler: handler.answer(taken))
    client = connect("secret", control=server.url)
    assert client.feedback("churn:2", Truth("leaves", "01A")) == Taken(1, 2, 3)
    client.feedback("churn", [Truth(1.5, "01B"), Truth("x", user_id="u1", prediction="y")])
    assert [json.loads(asked.body) for asked in server.seen[1:]] == [
        {"actual": "leaves", "prediction_id": "01A"},
        [
            {"actual": 1.5, "prediction_id": "01B"},
            {"actual": "x", "user_id": "u1", "prediction": "y"},
        ],
    ]
    assert {asked.path for asked in server.seen} == {"/v1/models/churn/feedback"}
    assert {asked.headers["authorization"] for asked in server.seen} == {"Bearer secret"}
    with pytest.raises(SettingsError, match="no control plane is known here"):
        connect().feedback("churn", Truth("leaves", "01A"))


def test_calls_share_one_connection(server: Faulty, connect: Callable[..., Client]) -> None:
    client = connect()
    for _ in range(5):
        client.predict("churn", "x")
    assert len(server.ports) == 1


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "", "http://[::1"])
def test_an_address_that_is_none_is_refused_when_the_client_is_made(url: str) -> None:
    for cls in (Client, AsyncClient):
        with pytest.raises(SettingsError, match="address"):
            cls(url, retries=NEVER)


def test_what_cannot_be_sent_is_named() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(TypeError, match="cannot send a object"):
        client.predict("churn", object())
