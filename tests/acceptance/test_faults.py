"""RELIABILITY cases 36 to 44, 73 and 75 in short form: workers die, plans change, signals come."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from tests.acceptance.models import POISON, dummy
from tests.acceptance.rawclient import Answer, NoAnswer, Raw, post, request
from tests.acceptance.served import Served, serve, summing, wait
from tests.acceptance.traffic import traffic

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, alive, eventually, make_plan, publish, replica

GOOD = summing("faulty")


def ok(answer: Answer) -> str:
    """Names the answer to the sum of 1 and 2, whoever gave it."""
    return "ok" if answer.status == 200 and answer.json()["prediction"] == 3.0 else f"{answer.status}"


def in_version(answer: Answer) -> str:
    """Names the answer of `swap`, whose version n multiplies the sum by n."""
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    known = answer.json()
    return "ok" if known["prediction"] == 3.0 * known["version"] else "mixed"


@pytest.fixture
def pair(bundles: dict[str, str], tmp_path: Path) -> Iterator[Served]:
    """Two workers."""
    settings = Settings(bundles=(bundles["faulty"], bundles["slow"]), port=0, workers=2)
    with serve(tmp_path, settings, GOOD) as one:
        yield one


def outcome(raw: Raw) -> str:
    """What became of a request that was sent: "ok", another status, or "lost"."""
    try:
        return ok(raw.read())
    except NoAnswer:
        return "lost"


def test_36_a_killed_worker_takes_only_its_own_requests_with_it(pair: Served) -> None:
    with pair.unharmed(restarts=1), ExitStack() as stack:
        sent = [stack.enter_context(Raw(pair.url)) for _ in range(16)]
        for raw in sent:
            raw.send(summing("slow"))
        eventually(lambda: pair.metric("modelport_inflight_requests") >= 16)
        held = pair.metric("modelport_inflight_requests", worker="0")
        os.kill(pair.running.pids()[0], signal.SIGKILL)
        fates = [outcome(raw) for raw in sent]
        assert fates.count("ok") + fates.count("lost") == 16
        assert fates.count("lost") <= held
        assert ok(pair.ask(GOOD)) == "ok"
        eventually(lambda: len(pair.running.pids()) == 3)
    assert [event["reason"] for event in pair.running.events("worker lost")]


def test_36_a_killed_worker_s_callers_wait_for_its_successor(tmp_path: Path) -> None:
    """Nobody is told "not ready" by a worker that is still loading while the replica serves."""
    with serve(tmp_path, plan_of(tmp_path, dummy(tmp_path / "a.bundle", "faulty")), GOOD) as pair:
        os.kill(pair.running.pids()[0], signal.SIGKILL)
        eventually(lambda: pair.running.events("worker lost"))
        assert {ok(pair.ask(GOOD)) for _ in range(40)} == {"ok"}


def test_36_a_successor_that_cannot_load_says_so_instead_of_keeping_callers_waiting(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "a.bundle", "faulty")
    with serve(tmp_path, plan_of(tmp_path, bundle), GOOD) as pair:
        shutil.rmtree(bundle)
        os.kill(pair.running.pids()[0], signal.SIGKILL)
        eventually(lambda: len(pair.running.pids()) == 3)
        fates = {ok(pair.ask(GOOD)) for _ in range(40)}
        assert "ok" in fates
        assert fates <= {"ok", "503"}


def plan_of(folder: Path, bundle: str) -> Settings:
    """Two workers with one model of a plan file."""
    return Settings(plan=publish(folder / "plan.json", make_plan(1, faulty=bundle)), port=0, workers=2)


def test_37_one_poisoned_row_in_32_fails_alone_and_in_its_place(served: Served) -> None:
    rows = [[float(at), 0.5] for at in range(100, 132)]
    rows[17] = [POISON, 0.0]
    with served.unharmed():
        answer = served.ask(post("/v1/models/faulty/predict", {"input": rows}))
        assert answer.status == 200
        results = answer.json()["results"]
        assert [result["index"] for result in results] == list(range(32))
        bad = results.pop(17)
        assert bad["error"]["code"] == "model-failed"
        assert [result["prediction"] for result in results] == [sum(row) for row in rows if row[0] != POISON]


def test_37_one_poisoned_request_among_32_fails_alone(served: Served) -> None:
    with served.unharmed(), ExitStack() as stack:
        sent = [stack.enter_context(Raw(served.url)) for _ in range(32)]
        values = [POISON if at == 17 else float(at + 100) for at in range(32)]
        for raw, value in zip(sent, values, strict=True):
            raw.send(summing("faulty", value, 1.0))
        answers = [raw.read() for raw in sent]
        assert answers[17].status == 500
        served.clean(answers.pop(17))
        assert [answer.json()["prediction"] for answer in answers] == [
            value + 1 for value in values if value != POISON
        ]


def test_37_a_poisoned_batch_over_v2_is_one_error(served: Served) -> None:
    inputs = {"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, POISON, 0]}
    with served.unharmed():
        answer = served.ask(post("/v2/models/faulty/infer", {"inputs": [inputs]}))
        assert (answer.status, answer.code) == (500, "model-failed")
        served.clean(answer)


def test_40_a_deadline_that_passes_in_the_queue_is_answered_and_never_computed(served: Served) -> None:
    names = ("modelport_rows_total", "modelport_expired_total")
    rows, expired = (served.metric(name, model="slow") for name in names)
    with served.unharmed(), Raw(served.url) as first:
        first.send(summing("slow"))
        served.busy()
        late = served.ask(summing("slow", request_timeout_ms="50"))
        assert (late.status, late.code) == (504, "deadline-exceeded")
        served.clean(late)
        assert ok(first.read()) == "ok"
        eventually(lambda: served.metric(names[0], model="slow") == rows + 1)
        assert served.metric(names[1], model="slow") == expired + 1


def test_40_a_deadline_that_passes_while_the_model_runs_is_answered_at_once(served: Served) -> None:
    with served.unharmed():
        late = served.ask(summing("slow", request_timeout_ms="50"))
        assert (late.status, late.code) == (504, "deadline-exceeded")


def versions(folder: Path, number: int) -> str:
    """The bundle of version `number` of `swap`."""
    return dummy(folder / f"swap-{number}.bundle", "swap", factor=float(number))


@pytest.fixture
def swapped(tmp_path: Path) -> Iterator[Served]:
    """A replica that watches a plan file with version 1 of `swap`."""
    publish(tmp_path / "plan.json", make_plan(1, swap=versions(tmp_path, 1)))
    settings = Settings(plan=str(tmp_path / "plan.json"), port=0, workers=2)
    with serve(tmp_path, settings, summing("swap")) as one:
        yield one


def swap(served: Served, folder: Path, number: int) -> None:
    """Publish version `number` and wait until it answers."""
    publish(folder / "plan.json", make_plan(number, swap=versions(folder, number)))
    eventually(lambda: served.ask(summing("swap")).json()["version"] == number)


def test_41_hot_swaps_fail_no_request(swapped: Served, tmp_path: Path) -> None:
    pids = swapped.running.pids()
    with traffic(swapped.url, [summing("swap")], in_version, rate=100) as seen:
        for number in range(2, 12):
            swap(swapped, tmp_path, number)
            wait(0.1)
    assert seen.failed == 0, seen.counts
    assert seen.counts["ok"] > 50
    assert swapped.running.pids() == pids


def _wrong_sum(folder: Path) -> str:
    golden = {"inputs": {"input": [[1.0, 2.0]]}, "outputs": {"value": [99.0]}, "rows": 1}
    return dummy(folder / "wrong.bundle", "swap", golden=golden)


def _damaged(folder: Path) -> str:
    path = dummy(folder / "damaged.bundle", "swap")
    manifest = Path(path, "manifest.json")
    manifest.write_bytes(manifest.read_bytes().replace(b'"dummy"', b'"Dummy"'))
    return path


def _absent(folder: Path) -> str:
    return str(folder / "nowhere.bundle")


BAD = {"golden-rows": _wrong_sum, "damaged": _damaged, "absent": _absent}


def refused(served: Served) -> str:
    """The reason in `/debug/plan`, once the plan was refused."""
    eventually(lambda: served.running.events("slot failed"))
    text = served.ask(request("GET", "/debug/plan")).body.decode()
    assert str(served.running._log.parent) not in text, "no path of the machine"
    return text


@pytest.mark.parametrize("name", BAD)
def test_42_a_version_that_cannot_be_served_changes_nothing(
    swapped: Served, tmp_path: Path, name: str
) -> None:
    with swapped.unharmed(), traffic(swapped.url, [summing("swap")], in_version, rate=50) as seen:
        publish(tmp_path / "plan.json", make_plan(2, swap=BAD[name](tmp_path)))
        eventually(lambda: "failed" in refused(swapped))  # each worker says it for itself
        assert swapped.ask(summing("swap")).json()["version"] == 1
    assert seen.failed == 0, seen.counts
    assert swapped.ask(request("GET", "/v2/health/ready")).status == 200
    swap(swapped, tmp_path, 3)


def test_42_versions_with_different_contracts_do_not_share_an_endpoint(
    swapped: Served, tmp_path: Path
) -> None:
    wide = dummy(tmp_path / "wide.bundle", "swap", width=3)
    slots = (
        SlotSpec("swap:1", "swap", 1, versions(tmp_path, 1)),
        SlotSpec("swap:2", "swap", 2, wide),
    )
    route = Route((Share("swap:1", 5000), Share("swap:2", 5000)))
    plan = ServingPlan(Revision(0, 2), slots, (EndpointSpec("swap", route),))
    with swapped.unharmed():
        publish(tmp_path / "plan.json", plan)
        assert "contract" in refused(swapped)
        assert {swapped.ask(summing("swap")).json()["version"] for _ in range(20)} == {1}


def settings(bundles: dict[str, str], **changes: object) -> Settings:
    known = Settings(bundles=(bundles["faulty"], bundles["slow"]), port=0, workers=2, drain_delay=0.5)
    return msgspec.structs.replace(known, **changes)


def stop_under_load(folder: Path, bundles: dict[str, str], moment: float) -> tuple[int, int]:
    """Requests that were sent and that failed, while a replica was told to stop after `moment` seconds."""
    with replica(folder, settings(bundles)) as running:
        running.wait_ready()
        requests = [GOOD, GOOD, GOOD, summing("slow")]
        with traffic(running.url, requests, ok, rate=100, clients=8, leave=True) as seen:
            wait(moment)
            running.signal(signal.SIGTERM)
            assert running.end() == 0
        assert not any(alive(pid) for pid in running.pids())
        assert seen.failed == 0, (seen.counts, running.events())
        return seen.total, seen.failed


SLOW = pytest.mark.slow


@pytest.mark.parametrize("moment", [0.31, *(pytest.param(each, marks=SLOW) for each in (0.05, 0.57))])
def test_44_a_stop_under_load_answers_all_that_was_accepted(
    bundles: dict[str, str], tmp_path: Path, moment: float
) -> None:
    total, failed = stop_under_load(tmp_path, bundles, moment)
    assert total > 0
    assert failed == 0


def test_44_what_is_computed_when_the_signal_comes_is_answered(
    bundles: dict[str, str], tmp_path: Path
) -> None:
    with replica(tmp_path, settings(bundles, drain_delay=0.0)) as running, ExitStack() as stack:
        running.wait_ready()
        sent = [stack.enter_context(Raw(running.url)) for _ in range(10)]
        for raw in sent:
            raw.send(summing("slow"))
        wait(0.1)
        running.signal(signal.SIGTERM)
        answers = [raw.read() for raw in sent]
        assert [ok(answer) for answer in answers] == ["ok"] * 10
        assert {answer.headers.get("connection") for answer in answers} == {"close"}
        assert running.end() == 0


def test_44_a_draining_replica_is_live_and_not_ready(bundles: dict[str, str], tmp_path: Path) -> None:
    with replica(tmp_path, settings(bundles, drain_delay=3.0)) as running:
        running.wait_ready()
        running.signal(signal.SIGTERM)
        eventually(lambda: running.events("draining"))

        def status(path: str) -> int:
            with Raw(running.url) as raw:
                return raw.ask(request("GET", path)).status

        eventually(lambda: status("/v2/health/ready") == 503)
        assert status("/v2/health/live") == 200
        running.signal(signal.SIGTERM)
        assert running.end() == 128 + signal.SIGTERM


def _ended(running: Replica) -> int:
    code = running.end()
    assert not any(alive(pid) for pid in running.pids())
    return code


def test_44_a_second_signal_ends_at_once_though_a_model_computes(
    bundles: dict[str, str], tmp_path: Path
) -> None:
    with replica(tmp_path, settings(bundles, drain_delay=30.0)) as running:
        running.wait_ready()
        with Raw(running.url) as raw:
            raw.send(summing("slow"))
            running.signal(signal.SIGTERM)
            eventually(lambda: running.events("draining"))
            running.signal(signal.SIGTERM)
            assert _ended(running) == 128 + signal.SIGTERM


def test_44_a_signal_while_models_load_leaves_nothing_behind(bundles: dict[str, str], tmp_path: Path) -> None:
    with replica(tmp_path, settings(bundles)) as running:
        eventually(lambda: running.events("plan taken"))
        running.signal(signal.SIGINT)
        assert _ended(running) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_73_a_public_address_without_keys_is_refused(
    bundles: dict[str, str], tmp_path: Path, host: str
) -> None:
    public = msgspec.structs.replace(settings(bundles), host=host)
    with replica(tmp_path, public) as running:
        assert running.end() == 2
        (told,) = running.events("not started")
        assert told["code"] == "public-without-keys"
        assert "keys" in told["hint"]
        assert not running.pids()


FOREIGN: dict[str, tuple[dict[str, str], int]] = {
    "rebound-host": ({"host": "evil.test"}, 421),
    "rebound-host-with-port": ({"host": "evil.test:8000"}, 421),
    "host-looks-local": ({"host": "localhost.evil.test"}, 421),
    "host-with-path": ({"host": "localhost/?x="}, 421),
    "host-with-user": ({"host": "localhost@evil.test"}, 421),
    "foreign-origin": ({"origin": "https://evil.test"}, 403),
    "null-origin": ({"origin": "null"}, 403),
    "cross-site": ({"sec-fetch-site": "cross-site"}, 403),
    "same-site": ({"sec-fetch-site": "same-site", "origin": "http://evil.localhost"}, 403),
}


@pytest.mark.parametrize(
    "path", ["/v1/models/faulty/predict", "/v2/models/faulty/infer", "/v2/repository/index"]
)
@pytest.mark.parametrize("name", FOREIGN)
def test_75_a_browser_elsewhere_reaches_nothing(served: Served, path: str, name: str) -> None:
    fields, status = FOREIGN[name]
    body = b'{"input": [1, 2]}'
    with served.unharmed():
        answer = served.ask(request("POST", path, body, fields))
        assert answer.status in ({421, 400} if status == 421 else {403})
        served.clean(answer)
        assert not {key for key in answer.headers if key.startswith("access-control")}


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]", "10.0.0.7:8000"])
def test_75_local_names_and_addresses_are_answered(served: Served, host: str) -> None:
    assert (
        served.ask(request("POST", "/v1/models/faulty/predict", b'{"input": [1, 2]}', {"host": host})).status
        == 200
    )


def test_75_own_pages_may_ask(served: Served) -> None:
    own = {"host": "localhost:8000", "origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    assert served.ask(request("POST", "/v1/models/faulty/predict", b'{"input": [1, 2]}', own)).status == 200


def test_75_reading_has_no_effect_and_needs_no_origin(served: Served) -> None:
    fields = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}
    answer = served.ask(request("GET", "/v2/health/live", b"", fields))
    assert answer.status in {200, 403}
    assert "access-control-allow-origin" not in answer.headers
