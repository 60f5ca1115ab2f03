"""RELIABILITY cases 38, 39, 45: whatever a Python model does costs only its own calls. Real processes die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.acceptance.rawclient import Raw
from tests.acceptance.traffic import traffic
from tests.serving.hosts.bundles import hosted
from tests.serving.hosts.hosted import Hosted, asking, right, serving

from modelport.testing.replica import alive, eventually

GOOD = """
class Model:
    def predict(self, inputs):
        return inputs.sum(axis=1)
"""

BAD = """
import ctypes, os, subprocess, sys, time
import numpy as np

kept = []

def grow():
    while True:
        kept.append(np.ones(1 << 22))

def spin():
    while True:
        pass

WHAT = {
    1: lambda: ctypes.string_at(0),
    2: lambda: os._exit(0),
    3: spin,
    4: lambda: time.sleep(3600),
    5: grow,
    10: lambda: sys.exit(3),
    11: lambda: {}["absent"],
    12: lambda: [print("word " * 100) for _ in range(5000)],
    13: lambda: kept.append(subprocess.Popen(["sleep", "3600"])),
    15: lambda: time.sleep(0.5),
    14: lambda: os.write(2, b"\\xff\\xfe no newline"),
}

class Model:
    def predict(self, inputs):
        codes = set(inputs[:, 0].astype(int).tolist())
        for code in codes & set(WHAT):
            WHAT[code]()
        answer = inputs.sum(axis=1)
        if 20 in codes:
            return np.append(answer, 0.0)
        if 21 in codes:
            answer[:] = np.nan
        if 22 in codes:
            return ["text"] * len(answer)
        if 23 in codes:
            return None
        if 24 in codes:
            return np.zeros((len(answer), 7))
        inputs[:] = 0  # what it was given is its own
        return answer
"""
SEGFAULT, EXIT, SPIN, SLEEP, GROW = 1, 2, 3, 4, 5
SYS_EXIT, RAISE, PRINT, FORK, MUTTER, NAP = 10, 11, 12, 13, 14, 15
TOO_MANY, NAN, TEXT, NONE, WIDE = 20, 21, 22, 23, 24


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """One good model, and one to die for each way of dying."""
    folder = tmp_path_factory.mktemp("served")
    names = ["crash", "exit", "hang", "grow", "tame"]
    bundles = [hosted(folder / f"{name}.bundle", BAD, name=name) for name in names]
    bundles += [hosted(folder / f"{name}.bundle", GOOD, name=name) for name in ("good", "steady")]
    limits = {"host_call_seconds": 1.5, "host_memory": 150 << 20, "timeout": 20.0}
    with serving(folder, bundles, workers=2, **limits) as one:
        yield one


@pytest.mark.parametrize(
    ("model", "value", "status", "code"),
    [
        ("crash", SEGFAULT, 500, "model-crashed"),
        ("exit", EXIT, 500, "model-crashed"),
        ("hang", SPIN, 504, "model-hung"),
        ("grow", GROW, 503, "model-memory"),
    ],
)
def test_a_model_that_ends_its_process_costs_its_own_call_and_answers_the_next(
    served: Hosted, model: str, value: int, status: int, code: str
) -> None:
    with served.others_answer():
        answer = served.ask(model, value)
        assert (answer.status, answer.code) == (status, code), answer.body
        after = served.ask(model, 30.0, 1.0)
    assert (after.status, after.json()["prediction"]) == (200, 31.0)
    assert len(served.running.hosts(f"{model}:1")) == 2


def test_of_a_batch_that_took_too_much_memory_only_the_call_that_did_fails(served: Hosted) -> None:
    """Case 39: its calls, of two workers, are asked once more: in half the batch, then alone."""
    values = [30.0] * 3 + [GROW] + [31.0] * 4
    before = served.metric("modelport_host_memory_exceeded_total", "grow")
    with ExitStack() as stack, served.others_answer():
        napping, *raws = [stack.enter_context(Raw(served.running.url, timeout=30)) for _ in range(9)]
        napping.send(asking("grow", NAP))
        eventually(lambda: served.metric("modelport_executing_requests", "grow") == 1)
        for raw, value in zip(raws, values, strict=True):
            raw.send(asking("grow", value))
        answers = [raw.read() for raw in raws]
        assert napping.read().status == 200
    exceeded = served.metric("modelport_host_memory_exceeded_total", "grow") - before
    assert 2 <= exceeded <= 3, exceeded
    told = [answer.json().get("prediction", answer.code) for answer in answers]
    assert told == ["model-memory" if value == GROW else value for value in values]
    assert answers[values.index(GROW)].status == 503
    assert served.plan()["slots"]["grow:1"]["host"] != "crash-loop"


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (SYS_EXIT, 500, "model-failed"),
        (RAISE, 500, "model-failed"),
        (TOO_MANY, 500, "contract-broken"),
        (TEXT, 500, "contract-broken"),
        (NONE, 500, "contract-broken"),
        (WIDE, 500, "contract-broken"),
        (PRINT, 200, ""),
        (FORK, 200, ""),
        (MUTTER, 200, ""),
    ],
)
def test_what_a_model_does_without_dying_costs_no_process(
    served: Hosted, value: int, status: int, code: str
) -> None:
    answer = served.ask("tame", value)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert served.ask("tame", 30.0).json()["prediction"] == 30.0
    assert len(served.running.hosts("tame:1")) == 1


def test_a_row_that_is_not_finite_is_counted(served: Hosted) -> None:
    before = served.metric("modelport_nonfinite_outputs_total", "tame")
    served.ask("tame", NAN)
    assert served.metric("modelport_nonfinite_outputs_total", "tame") == before + 1


def test_one_bad_row_fails_alone(served: Hosted) -> None:
    answer = served.many("tame", [[30.0, 1.0], [RAISE, 0.0], [31.0, 1.0]])
    results = answer.json()["results"]
    assert [each.get("prediction") for each in results] == [31.0, None, 32.0]
    assert results[1]["error"]["code"] == "model-failed"


def test_what_a_model_prints_is_in_the_log_with_its_name_and_bounded(served: Hosted) -> None:
    served.ask("tame", PRINT)
    said = eventually(lambda: served.running.events("model said"))
    assert {line["slot"] for line in said} == {"tame:1"}
    served.ask("tame", MUTTER)
    time.sleep(1.1)  # what was left out is told with what is said in a later second
    served.ask("tame", PRINT)
    assert eventually(lambda: served.running.events("model said too much"))[0]["dropped"] > 1000


def test_an_exception_of_a_model_is_in_the_log_with_its_traceback(served: Hosted) -> None:
    served.ask("tame", RAISE)
    (told, *_) = served.running.events("model failed")
    assert told["slot"] == "tame:1"
    assert "KeyError" in told["traceback"]


def test_the_log_says_how_each_host_ended(served: Hosted) -> None:
    """After the tests above, whatever their order was."""
    for model, value in (("crash", SEGFAULT), ("hang", SLEEP)):
        served.ask(model, value)
    lost = eventually(lambda: {each["slot"]: each["reason"] for each in served.running.events("host lost")})
    assert lost["crash:1"] == "signal SIGSEGV"
    assert eventually(lambda: served.running.events("host killed"))
    assert served.metric("modelport_host_hung_total", "hang") >= 1


def test_a_stopped_host_is_replaced_and_its_call_answered_504(served: Hosted) -> None:
    pid = served.running.hosts("good:1")[-1]
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    answer = served.ask("good", 1.0, 2.0)
    assert answer.status in {200, 504}  # 200 when it was not yet given to the model
    assert time.monotonic() - started < 15
    eventually(lambda: not alive(pid))
    assert right(served.ask("good", 1.0, 2.0)) == "ok"


def test_a_host_killed_under_load_costs_only_what_it_was_running(served: Hosted) -> None:
    with traffic(served.running.url, [asking("steady", 1.0, 2.0)], right, rate=200, clients=8) as seen:
        for _ in range(2):
            count = seen.counts["ok"] + 50
            eventually(lambda least=count: seen.counts["ok"] > least)  # type: ignore[misc]
            os.kill(served.running.hosts("steady:1")[-1], signal.SIGKILL)
        count = seen.counts["ok"] + 50
        eventually(lambda: seen.counts["ok"] > count)
    assert set(seen.counts) <= {"ok", "500 model-crashed"}, seen.counts
    assert seen.counts["500 model-crashed"] <= 2 * 8


def test_a_worker_that_dies_leaves_the_host_to_its_successor(served: Hosted) -> None:
    hosts, workers = served.running.hosts("tame:1"), served.running.pids()
    os.kill(workers[-1], signal.SIGKILL)
    eventually(lambda: len(served.running.pids()) > len(workers))
    for _ in range(8):
        assert served.ask("tame", 30.0).status == 200
    assert served.running.hosts("tame:1") == hosts


def test_a_deadline_is_kept_while_the_model_sleeps(served: Hosted) -> None:
    with Raw(served.running.url) as raw:
        answer = raw.ask(asking("hang", SLEEP, **{"x-request-timeout": "0.2"}))
    assert (answer.status, answer.code) == (504, "deadline-exceeded")


def test_no_error_tells_of_the_machine(served: Hosted, tmp_path: Path) -> None:
    for value in (RAISE, TOO_MANY, SYS_EXIT):
        body = served.ask("tame", value).body.decode()
        assert "Traceback" not in body
        assert "/tmp" not in body
