"""A replica outlives its workers: real processes, killed, stopped and drained."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, alive, answers, eventually, make_plan, publish
from modelport.testing.replica import replica as real_replica

HERE = Path(__file__).parent


@contextmanager
def replica(folder: Path, settings: Settings, **env: str) -> Iterator[Replica]:
    """A real supervisor with workers that hold no model."""
    with real_replica(folder, settings, module="fake_worker", path=[HERE], **env) as running:
        yield running


def settings(
    tmp_path: Path, routes: dict[str, str] | None = None, *, workers: int = 1, drain_seconds: float = 5.0
) -> Settings:
    plan = publish(tmp_path / "plan.json", make_plan(1, **(routes or {"churn": "good"})))
    return Settings(plan=plan, port=0, workers=workers, drain_seconds=drain_seconds)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Replica]:
    """A ready replica with one worker."""
    with replica(tmp_path, settings(tmp_path)) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Replica]:
    """A ready replica with two workers."""
    with replica(tmp_path, settings(tmp_path, workers=2)) as running:
        running.wait_ready()
        yield running


def connect(running: Replica, path: str = "/") -> socket.socket:
    """A connection with a request on its way."""
    where = urlsplit(running.url)
    sock = socket.create_connection((where.hostname, where.port), timeout=10)
    sock.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    return sock


def kill_newest(running: Replica) -> None:
    """Kill the worker that was started last, and wait for its successor."""
    before = running.pids()
    os.kill(before[-1], signal.SIGKILL)
    eventually(lambda: running.pids() != before)


def answered(sock: socket.socket) -> bool:
    """Whether an answer comes on a connection."""
    with sock:
        return sock.recv(1000).startswith(b"HTTP/1.1 200")


def test_says_in_one_line_what_is_served_where(two: Replica) -> None:
    assert two.events("serving")
    assert {two.get()["worker"] for _ in range(40)} <= {0, 1}
    assert two.url.startswith("http://127.0.0.1:")


def test_ready_line_names_slots_and_workers(tmp_path: Path) -> None:
    with replica(tmp_path, settings(tmp_path, workers=2)) as running:
        line = running.wait_ready()
        assert line == f"Serving churn:1 on {running.url} with 2 workers"


def test_a_killed_worker_is_replaced_in_its_row_and_serves_the_committed_revision(one: Replica) -> None:
    before = one.get()
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: len(one.pids()) == 2)
    after = one.get()
    assert after["pid"] != before["pid"]
    assert (after["worker"], after["routes"]) == (before["worker"], {"churn": "0-1"})


def test_connections_queued_while_the_worker_is_dead_are_answered_by_its_successor(one: Replica) -> None:
    pid = one.get()["pid"]
    os.kill(pid, signal.SIGSTOP)  # it accepts nothing from here on
    waiting = [connect(one) for _ in range(50)]
    os.kill(pid, signal.SIGKILL)
    assert all(answered(sock) for sock in waiting)


def test_a_stopped_worker_costs_no_connection_that_it_had_not_accepted(one: Replica) -> None:
    pid = one.get()["pid"]
    os.kill(pid, signal.SIGSTOP)
    waiting = [connect(one) for _ in range(50)]
    assert all(answered(sock) for sock in waiting)
    assert alive(pid)
    (stalled,) = one.events("worker stalled")
    assert stalled["pid"] == pid
    assert one.get()["worker"] == 1, "its successor has a row of its own"


def test_a_stalled_worker_that_moves_again_drains_and_leaves(one: Replica) -> None:
    pid = one.get()["pid"]
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: one.events("worker stalled"))
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: not alive(pid))
    (lost,) = eventually(lambda: one.events("worker lost"))
    assert (lost["pid"], lost["reason"]) == (pid, "exit code 0")
    assert one.get()["pid"] != pid


def test_what_a_killed_worker_was_executing_is_counted_as_lost(one: Replica) -> None:
    pid = one.get("/execute")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(one.pids()) == 2)
    assert one.get()["lost"] == 3
    assert one.events("worker lost")[0]["lost"] == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_all_workers_and_exits_0(two: Replica, number: signal.Signals) -> None:
    two.signal(number)
    assert two.end() == 0
    assert not any(alive(pid) for pid in two.pids())
    assert [event["killed"] for event in two.events("stopped")] == [0]


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    slow = msgspec.structs.replace(settings(tmp_path), drain_delay=60.0)
    with replica(tmp_path, slow) as running:
        running.wait_ready()
        running.signal(signal.SIGTERM)
        eventually(lambda: running.events("draining"))
        running.signal(signal.SIGTERM)
        assert running.end() == 128 + signal.SIGTERM
        assert not any(alive(pid) for pid in running.pids())


def test_a_worker_that_does_not_drain_in_time_is_killed_and_the_exit_is_still_0(tmp_path: Path) -> None:
    with replica(tmp_path, settings(tmp_path, drain_seconds=0.1)) as running:
        running.wait_ready()
        os.kill(running.pids()[0], signal.SIGSTOP)
        running.signal(signal.SIGTERM)
        assert running.end() == 0
        assert running.events("stopped")[0]["killed"] == 1
        assert not alive(running.pids()[0])


def test_a_signal_while_workers_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with replica(tmp_path, settings(tmp_path, workers=2)) as running:
        eventually(lambda: len(running.pids()) >= 1)
        running.signal(signal.SIGTERM)
        assert running.end() == 0
        assert not any(alive(pid) for pid in running.pids())


def test_no_worker_outlives_a_supervisor_that_was_killed(two: Replica) -> None:
    pids = two.pids()
    two.signal(signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in pids))


def test_workers_leave_signals_of_a_service_manager_to_the_supervisor(one: Replica) -> None:
    pid = one.get()["pid"]
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)
    assert one.get()["pid"] == pid


def test_a_worker_that_says_what_is_no_message_is_replaced(tmp_path: Path) -> None:
    with replica(tmp_path, settings(tmp_path)) as running:
        running.wait_ready()
        pid = running.get()["pid"]
        connect(running, "/babble").close()
        eventually(lambda: len(running.pids()) == 2)
        assert running.events("worker not understood")
        assert running.get()["pid"] != pid


def test_a_failed_slot_keeps_the_last_good_route_with_the_reason_and_a_later_plan_heals(
    tmp_path: Path, one: Replica
) -> None:
    file = tmp_path / "plan.json"
    publish(file, make_plan(2, churn="bad", other="good"))
    (failed,) = eventually(lambda: one.events("slot failed"))
    assert failed["reason"] == "slot churn:2: the digest of model.onnx does not hold"
    eventually(lambda: one.get()["routes"] == {"churn": "0-1", "other": "0-2"})
    publish(file, make_plan(3, churn="good"))
    eventually(lambda: one.get()["routes"] == {"churn": "0-3"})


def test_a_new_worker_inherits_endpoints_of_different_revisions(tmp_path: Path, one: Replica) -> None:
    publish(tmp_path / "plan.json", make_plan(2, churn="bad", other="good"))
    eventually(lambda: one.get()["routes"] == {"churn": "0-1", "other": "0-2"})
    os.kill(one.get()["pid"], signal.SIGKILL)
    eventually(lambda: len(one.pids()) == 2)
    eventually(lambda: one.get()["routes"] == {"churn": "0-1", "other": "0-2"})


def test_a_plan_whose_preparation_kills_workers_is_given_up(tmp_path: Path, one: Replica) -> None:
    publish(tmp_path / "plan.json", make_plan(2, churn="deadly"))
    (refused,) = eventually(lambda: one.events("plan refused"))
    assert "3 workers died preparing plan 0-2" in refused["reason"]
    eventually(lambda: answers(one))
    assert one.get()["routes"] == {"churn": "0-1"}
    publish(tmp_path / "plan.json", make_plan(3, churn="good"))
    eventually(lambda: one.get()["routes"] == {"churn": "0-3"})


def test_an_invalid_plan_is_refused_as_a_whole(tmp_path: Path, one: Replica) -> None:
    (tmp_path / "plan.json").write_text('{"revision":\n{"epoch":0,')
    (refused,) = eventually(lambda: one.events("plan file refused"))
    assert "line 2" in refused["reason"]
    assert one.get()["routes"] == {"churn": "0-1"}


def test_sighup_reads_again(tmp_path: Path, one: Replica) -> None:
    publish(tmp_path / "plan.json", make_plan(2, churn="good"))
    one.signal(signal.SIGHUP)
    eventually(lambda: one.events("reloading"))
    eventually(lambda: one.get()["routes"] == {"churn": "0-2"})


@pytest.mark.parametrize(
    ("routes", "reason"),
    [
        ({"churn": "bad"}, "churn cannot be served: slot churn:1: the digest of model.onnx does not hold"),
        ({"churn": "good", "other": "bad"}, "other cannot be served: slot other:1"),
        ({"churn": "deadly"}, "workers died preparing plan 0-1"),
    ],
)
def test_a_first_plan_that_cannot_be_served_whole_is_no_start(
    tmp_path: Path, routes: dict[str, str], reason: str
) -> None:
    with replica(tmp_path, settings(tmp_path, routes)) as running:
        assert running.end() == 2
        (event,) = running.events("not started")
        assert reason in event["reason"]
        assert not any(alive(pid) for pid in running.pids())


def test_workers_that_die_on_start_are_no_start(tmp_path: Path) -> None:
    with replica(tmp_path, settings(tmp_path), FAKE_WORKER="crash") as running:
        assert running.end() == 2
        assert "workers die as soon as they start" in running.events("not started")[0]["reason"]
        assert len(running.pids()) == 3


def test_restarts_are_counted_in_the_row_of_the_worker_that_was_started_again(two: Replica) -> None:
    assert two.get()["restarts"] == [0, 0, 0, 0]
    os.kill(
        next(event["pid"] for event in two.events("worker started") if event["worker"] == 1), signal.SIGKILL
    )
    eventually(lambda: len(two.pids()) == 3)
    eventually(lambda: answers(two))
    assert two.get()["restarts"] == [0, 1, 0, 0]


def test_a_stalled_worker_is_a_restart_of_the_row_its_successor_takes(two: Replica) -> None:
    pid, row = two.get()["pid"], 2
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: two.events("worker stalled"))
    eventually(lambda: len(two.pids()) == 3)
    assert two.get()["restarts"] == [int(number == row) for number in range(4)]


def test_a_worker_that_keeps_dying_is_shown_while_the_others_serve_and_no_more_once_it_lives(
    tmp_path: Path, two: Replica
) -> None:
    (tmp_path / "doomed-1").touch()
    os.kill(
        next(event["pid"] for event in two.events("worker started") if event["worker"] == 1), signal.SIGKILL
    )
    (event,) = eventually(lambda: two.events("worker keeps dying"))
    assert (event["level"], event["worker"], event["deaths"]) == ("error", 1, 3)
    known = [two.get() for _ in range(8)]
    assert {one["worker"] for one in known} == {0}
    assert {tuple(one["looping"]) for one in known} == {(0, 1, 0, 0)}
    (tmp_path / "doomed-1").unlink()
    eventually(lambda: two.get()["worker"] == 1)
    assert len(two.events("worker keeps dying")) == 1


@pytest.mark.parametrize("document", ["", "{", '{"revision": 1}', '{"slots": []}'])
def test_an_unusable_plan_file_is_no_start(tmp_path: Path, document: str) -> None:
    (tmp_path / "plan.json").write_text(document)
    with replica(tmp_path, Settings(plan=str(tmp_path / "plan.json"), port=0)) as running:
        assert running.end() == 2
        assert "plan file" in running.events("not started")[0]["reason"]


def test_a_port_that_another_replica_has_is_no_start(tmp_path: Path, one: Replica) -> None:
    port = urlsplit(one.url).port
    assert port
    other = Settings(plan=str(tmp_path / "plan.json"), port=port)
    (tmp_path / "other").mkdir()
    with replica(tmp_path / "other", other) as running:
        assert running.end() == 2
        assert running.events("not started")[0]["code"] == "address-in-use"


def test_it_keeps_answering_while_workers_are_killed_again_and_again(two: Replica) -> None:
    """No connection is refused; the ones a worker had accepted when it was killed are the only ones lost."""
    results: list[bool] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            results.append(answers(two))

    asker = threading.Thread(target=ask)
    asker.start()
    for _ in range(4):
        kill_newest(two)
        time.sleep(0.3)
    stop.set()
    asker.join()
    assert results.count(False) <= 4
    assert len(results) > 50
