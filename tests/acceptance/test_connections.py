"""RELIABILITY cases 27 to 33: slow, leaving, half-open and too many peers cost only themselves."""

from __future__ import annotations

import json
import resource
import socket
import threading
from contextlib import ExitStack, suppress

import pytest
from tests.acceptance.rawclient import Answer, Raw, post, request
from tests.acceptance.served import Served, files_of, summing, wait

from modelport.testing.replica import eventually

GOOD = summing("faulty", 1.0, 2.0)


def is_three(answer: Answer) -> bool:
    """Whether the good request was answered."""
    return answer.status == 200 and answer.json()["prediction"] == 3.0


def open_files(served: Served) -> int:
    """Open files of the one worker."""
    return files_of(served.running.pids()[-1])


def test_27_headers_that_drip_are_cut_while_others_are_served(quick: Served) -> None:
    with quick.unharmed(), ExitStack() as stack:
        slow = [stack.enter_context(Raw(quick.url)) for _ in range(50)]
        head = request("POST", "/v1/models/faulty/predict", b"", {"x-slow": "y" * 100})
        for at in range(0, 30, 3):
            for raw in slow:
                raw.send(head[at : at + 3])
            assert is_three(quick.ask(GOOD))
            wait(0.2)
        for raw in slow:
            answer = raw.read()
            assert (answer.status, answer.code) == (408, "request-timeout")
            assert raw.closed()


def test_27_connections_that_say_nothing_are_closed(quick: Served) -> None:
    with quick.unharmed(), ExitStack() as stack:
        silent = [stack.enter_context(Raw(quick.url)) for _ in range(50)]
        assert all(raw.closed() for raw in silent)


def test_28_a_body_that_drips_is_cut(quick: Served) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        raw.send(request("POST", "/v1/models/faulty/predict", b"", {"content-length": "100000"}))
        for _ in range(15):
            if not raw.send(b"x", pause=0.2):
                break
            assert is_three(quick.ask(GOOD))
        answer = raw.read()
        assert (answer.status, answer.code) == (408, "request-timeout")
        assert raw.closed()


def test_28_chunks_that_drip_are_cut(quick: Served) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        fields = {"content-length": "", "transfer-encoding": "chunked"}
        raw.send(request("POST", "/v1/models/faulty/predict", b"", fields))
        raw.send(*[b"1\r\nx\r\n"] * 15, pause=0.2)
        assert raw.read().status == 408
        assert raw.closed()


def test_28_who_does_not_read_is_cut_and_holds_up_nobody(quick: Served) -> None:
    before = open_files(quick)
    with quick.unharmed(), Raw(quick.url, receive=4096) as raw:
        many = post("/v1/models/faulty/predict", {"input": [[1.0, 2.0]] * 60_000})
        raw.send(many)
        for _ in range(20):
            assert is_three(quick.ask(GOOD))
            wait(0.1)
        eventually(lambda: open_files(quick) <= before)


def test_29_who_leaves_while_waiting_is_never_computed(quick: Served) -> None:
    name = "modelport_batches_total"
    batches = quick.metric(name, model="slow")
    cancelled = quick.metric("modelport_cancelled_total", model="slow")
    lines = len(quick.running.events())
    with quick.unharmed():
        with Raw(quick.url) as running, ExitStack() as stack:
            running.send(summing("slow"))
            quick.busy()
            for _ in range(20):
                stack.enter_context(Raw(quick.url)).send(summing("slow"))
            eventually(lambda: quick.metric("modelport_inflight_requests") >= 21)
        eventually(lambda: quick.metric("modelport_cancelled_total", model="slow") == cancelled + 21)
        assert quick.metric(name, model="slow") == batches + 1
    assert len(quick.running.events()) <= lines + 1


def test_30_connections_that_are_reset_leave_nothing_behind(quick: Served) -> None:
    before, lines = open_files(quick), len(quick.running.events())
    with quick.unharmed():
        for _ in range(20):
            for data in (b"", b"POST /", summing("slow"), GOOD * 30, GOOD[:-5]):
                raw = Raw(quick.url)
                raw.send(data)
                raw.reset()
        eventually(lambda: open_files(quick) <= before)
    eventually(lambda: quick.metric("modelport_executing_requests", model="slow") == 0)
    assert [event["event"] for event in quick.running.events()[lines:]] == []


def test_30_a_reset_in_the_middle_of_an_answer_leaves_nothing_behind(quick: Served) -> None:
    before, lines = open_files(quick), len(quick.running.events())
    with quick.unharmed():
        for _ in range(5):
            raw = Raw(quick.url, receive=4096)
            raw.send(post("/v1/models/faulty/predict", {"input": [[1.0, 2.0]] * 20_000}))
            raw.sock.recv(100)
            raw.reset()
        eventually(lambda: open_files(quick) <= before)
    assert len(quick.running.events()) == lines


@pytest.mark.parametrize("data", [b"", b"POST / HTT", GOOD[:-3]])
def test_30_half_open_connections_are_closed(quick: Served, data: bytes) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        raw.send(data)
        raw.sock.shutdown(socket.SHUT_WR)
        with suppress(Exception):
            raw.read()
        assert raw.closed()


def test_32_pipelined_requests_are_answered_in_order(quick: Served) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        sums = [float(at) for at in range(100, 300)]
        models = ["slow" if at == 3 else "faulty" for at in range(200)]
        both = zip(models, sums, strict=True)
        pieces = b"".join(summing(model, value, 0.0) for model, value in both)
        sender = threading.Thread(target=raw.send, args=(pieces,))
        sender.start()
        assert [raw.read().json()["prediction"] for _ in sums] == sums
        sender.join()


def test_32_many_small_requests_behind_a_slow_one_are_answered(quick: Served) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        small = request("GET", "/v2/health/live") * 3000
        sender = threading.Thread(target=raw.send, args=(summing("slow") + small,))
        sender.start()
        assert is_three(raw.read())
        assert {raw.read().status for _ in range(3000)} == {200}
        sender.join()


@pytest.mark.parametrize("body", [b"", b'{"input": [1, 2]}'])
def test_32_an_upgrade_that_is_not_taken_leaves_the_connection_in_step(quick: Served, body: bytes) -> None:
    fields = {"connection": "upgrade, http2-settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQ"}
    asked = request("POST" if body else "GET", "/v1/models/faulty/predict" if body else "/v2", body, fields)
    with quick.unharmed(), Raw(quick.url) as raw:
        answer = raw.ask(asked + GOOD)
        assert answer.status in {200, 400}
        if answer.headers.get("connection") == "close":
            assert raw.closed()
        else:
            assert is_three(raw.read())
            assert is_three(raw.ask(GOOD))


def test_32_pipelined_requests_in_single_bytes_are_answered_in_order(quick: Served) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b"".join(summing("faulty", float(at), 1.0) for at in range(5))
        raw.send(*(data[at : at + 1] for at in range(len(data))))
        assert [raw.read().json()["prediction"] for _ in range(5)] == [1.0, 2.0, 3.0, 4.0, 5.0]


REFUSED = {
    "400": request("POST", "/v1/models/faulty/predict", b"{"),
    "404-model": post("/v1/models/none/predict", {"input": [1, 2]}),
    "404-path": request("GET", "/nowhere"),
    "405": request("GET", "/v1/models/faulty/predict"),
    "413": post("/v1/models/faulty/predict", {"input": [[0, 0]] * 70_000}),
    "415": request("POST", "/v1/models/faulty/predict", b"a", kind="text/plain"),
    "421": request("GET", "/v2", b"", {"host": "evil.test"}),
    "422": post("/v1/models/faulty/predict", {"input": [1, 2, 3]}),
    "500": summing("faulty", 13.0, 0.0),
    "504": summing("slow", request_timeout_ms="1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_32_a_connection_is_clean_or_closed_after_a_refusal(quick: Served, name: str) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        answer = raw.ask(REFUSED[name])
        assert answer.status in ({400, 422} if name == "422" else {int(name[:3])})
        quick.clean(answer)
        if answer.headers.get("connection") == "close":
            assert raw.closed()
        else:
            assert is_three(raw.ask(GOOD))


@pytest.mark.parametrize("name", REFUSED)
def test_32_a_request_behind_a_refused_one_is_answered_or_the_connection_closed(
    quick: Served, name: str
) -> None:
    with quick.unharmed(), Raw(quick.url) as raw:
        sender = threading.Thread(target=raw.send, args=(REFUSED[name] + GOOD,))
        sender.start()
        if raw.read().headers.get("connection") == "close":
            assert raw.closed()
        else:
            assert is_three(raw.read())
        sender.join()


def test_32_a_request_inside_a_body_is_never_answered(quick: Served) -> None:
    inner = request("GET", "/nowhere")
    with quick.unharmed(), Raw(quick.url) as raw:
        assert raw.ask(request("POST", "/v1/models/faulty/predict", inner)).status == 400
        assert is_three(raw.ask(GOOD))
        assert raw.ask(
            request("GET", "/v2/health/live", inner, {"content-length": str(len(inner))})
        ).status in {
            200,
            400,
        }


def test_32_a_body_that_is_refused_early_is_not_read_as_a_request(quick: Served) -> None:
    size = {"content-length": str(1 << 30)}
    with quick.unharmed(), Raw(quick.url) as raw:
        answer = raw.ask(request("POST", "/v1/models/faulty/predict", b"", size) + GOOD)
        assert answer.status == 413
        assert raw.closed()


def test_33_a_worker_without_file_descriptors_goes_on_and_recovers(quick: Served) -> None:
    pid, lines = quick.running.pids()[-1], len(quick.running.events())
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with quick.unharmed():
        with Raw(quick.url) as known, ExitStack() as stack:
            assert is_three(known.ask(GOOD))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_files(quick) + 10, limits[1]))
            try:
                for _ in range(60):
                    with suppress(OSError):
                        stack.enter_context(Raw(quick.url)).send(GOOD)
                assert is_three(known.ask(GOOD)), "who is there already is served"
            finally:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        eventually(lambda: is_three(quick.ask(GOOD)))
    assert len(quick.running.events()) < lines + 100, "no log storm"


def test_over_the_limit_of_connections_the_answer_is_503(quick: Served) -> None:
    with quick.unharmed():
        with ExitStack() as stack:
            many = [stack.enter_context(Raw(quick.url)) for _ in range(200)]
            with Raw(quick.url) as one_more:
                answer = one_more.read()
                assert (answer.status, answer.code) == (503, "too-many-connections")
                assert json.loads(answer.body)
                assert one_more.closed()
            del many
        eventually(lambda: quick.ask(GOOD).status == 200)
