"""How model hosts come and go: started once for all workers, replaced in time, given up with a reason."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.rawclient import Answer
from tests.acceptance.traffic import traffic
from tests.serving.hosts.bundles import hosted
from tests.serving.hosts.hosted import Hosted, asking, right, serving

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.serving.replica.processes import cores
from modelport.serving.settings import Settings
from modelport.testing.replica import alive, eventually, make_plan, publish, replica

SUMS = """
import time
class Model:
    def predict(self, inputs):
        time.sleep({seconds})
        return inputs.sum(axis=1) * {factor}
"""


def sums(
    path: Path, *, seconds: float = 0.0, factor: float = 1.0, name: str = "good", batch_size: int = 64
) -> str:
    golden: dict[str, list[Any]] = {"input": [[1.0, 2.0]], "value": [3.0 * factor]}
    source = SUMS.format(seconds=seconds, factor=factor)
    return hosted(path, source, name=name, golden=golden, batch_size=batch_size)


def plan(folder: Path, number: int, bundle: str, instances: int = 1) -> str:
    """A plan file with version `number` of `good`."""
    spec = SlotSpec(f"good:{number}", "good", number, bundle, instances=instances)
    route = Route((Share(spec.id, 10_000),))
    return publish(
        folder / "plan.json", ServingPlan(Revision(0, number), (spec,), (EndpointSpec("good", route),))
    )


def test_calls_of_two_workers_share_batches_in_one_host(tmp_path: Path) -> None:
    """Of a bundle that is named as it is found where the server was started."""
    sums(tmp_path / "good.bundle", seconds=0.05)
    with serving(tmp_path, ["good.bundle"], workers=2) as one:
        with traffic(one.running.url, [asking("good", 1.0, 2.0)], right, rate=200, clients=16) as seen:
            eventually(lambda: seen.counts["ok"] > 100)
        assert seen.failed == 0, seen.counts
        assert len(one.running.hosts()) == 1
        batches, rows = (one.metric(f"modelport_{what}_total", "good") for what in ("batches", "rows"))
        assert rows == seen.total
        assert rows / batches > 2
        workers = {one.plan()["worker"] for _ in range(40)}
        assert workers == {0, 1}


@pytest.mark.slow
def test_every_instance_is_a_process_and_runs_at_the_same_time(tmp_path: Path) -> None:
    bundle = sums(tmp_path / "good.bundle", seconds=0.2)
    settings = Settings(plan=plan(tmp_path, 1, bundle, instances=2), port=0, allow_python=True)
    with replica(tmp_path, settings) as running:
        running.wait_ready()
        one = Hosted(running)
        with traffic(running.url, [asking("good", 1.0, 2.0)], right, rate=50, clients=4) as seen:
            eventually(lambda: seen.counts["ok"] > 10)
            eventually(lambda: one.metric("modelport_host_up", "good") == 2)
        assert seen.failed == 0, seen.counts
        assert len(running.hosts()) == 2


def instances(one: Hosted) -> tuple[int, str]:
    """Hosts of the slot that take calls, and what keeps it from more."""
    slot = one.plan()["slots"]["good:1"]
    return slot["instances"], slot.get("limited_by", "")


@pytest.mark.parametrize("calms", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_hosts_follow_the_load_without_a_failed_call(tmp_path: Path, calms: bool) -> None:
    most, limit = min(3, cores()), "cores" if cores() < 3 else "max_instances"
    bundle = sums(tmp_path / "good.bundle", seconds=0.02, batch_size=1)
    with serving(tmp_path, [bundle], workers=2, scale={"good": (1, 3)}) as one:
        assert one.metric("modelport_instances", "good") == 1
        with traffic(one.running.url, [asking("good", 1.0, 2.0)], right, rate=500, clients=16) as seen:
            eventually(lambda: instances(one) == (most, limit), 40)
            assert one.metric("modelport_instances", "good") == most
            assert sum(alive(pid) for pid in one.running.hosts()) == most
        if calms:
            with traffic(one.running.url, [asking("good", 1.0, 2.0)], right, rate=10, clients=2) as few:
                eventually(lambda: instances(one) == (1, ""), 60)
                eventually(lambda: sum(alive(pid) for pid in one.running.hosts()) == 1)
            assert few.failed == 0, few.counts
        assert seen.failed == 0, seen.counts


def test_a_host_is_replaced_after_so_many_calls_without_a_failed_one(tmp_path: Path) -> None:
    with serving(tmp_path, [sums(tmp_path / "good.bundle")], workers=2, host_calls=20) as one:
        with traffic(one.running.url, [asking("good", 1.0, 2.0)], right, rate=100, clients=4) as seen:
            eventually(lambda: one.metric("modelport_host_replaced_total", "good") >= 1)
        assert seen.failed == 0, seen.counts
        eventually(lambda: sum(alive(pid) for pid in one.running.hosts()) == 1)
        assert one.metric("modelport_host_restarts_total", "good") == 0


LEAK = """
kept = []
class Model:
    def predict(self, inputs):
        kept.append(bytearray(b"x" * (256 << 10)))
        return inputs.sum(axis=1)
"""


@pytest.mark.slow
def test_a_host_that_leaks_is_replaced_before_it_has_to_be_ended(tmp_path: Path) -> None:
    bundles = [hosted(tmp_path / "good.bundle", LEAK, name="good")]
    with serving(tmp_path, bundles, host_memory=400 << 20) as one:
        with traffic(one.running.url, [asking("good", 1.0, 2.0)], right, rate=40, clients=2) as seen:
            eventually(lambda: one.metric("modelport_host_replaced_total", "good") >= 1, 60)
        assert seen.failed == 0, seen.counts
        assert one.metric("modelport_host_memory_exceeded_total", "good") == 0


def test_a_new_version_is_warm_before_it_answers_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    path = plan(tmp_path, 1, sums(tmp_path / "1.bundle"))
    with replica(tmp_path, Settings(plan=path, port=0, workers=2, allow_python=True)) as running:
        running.wait_ready()
        one = Hosted(running)
        (old,) = running.hosts()
        with traffic(running.url, [asking("good", 1.0, 2.0)], by_version, rate=50, clients=4) as seen:
            wrong = SUMS.format(seconds=0, factor=1)
            golden: dict[str, list[Any]] = {"input": [[1.0, 2.0]], "value": [4.0]}
            plan(tmp_path, 2, hosted(tmp_path / "2.bundle", wrong, name="good", golden=golden))
            (failed,) = eventually(lambda: running.events("slot failed"))
            assert "golden row" in failed["reason"]
            assert one.ask("good", 1.0, 2.0).json()["version"] == 1
            plan(tmp_path, 3, sums(tmp_path / "3.bundle", factor=2.0))
            eventually(lambda: one.ask("good", 1.0, 2.0).json()["version"] == 3)
            eventually(lambda: not alive(old))
        assert seen.failed == 0, seen.counts


def by_version(answer: Answer) -> str:
    """Names an answer to 1 and 2: the third version says twice as much as the first."""
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    said = answer.json()
    return "ok" if said["prediction"] == {1: 3.0, 3: 6.0}[said["version"]] else "wrong"


BAD: dict[str, tuple[str, dict[str, str], str]] = {
    "import": ("import absent_library", {}, "absent_library"),
    "raises": ("raise ValueError('no weights')", {}, "no weights"),
    "no-class": ("class Other: pass", {}, "has no Model"),
    "no-predict": ("class Model: pass", {}, "no plain predict"),
    "exits": ("import os\nos._exit(3)", {}, "exit code 3"),
    "crashes": ("import ctypes\nctypes.string_at(0)", {}, "SIGSEGV"),
    "sleeps": ("import time\ntime.sleep(3600)", {}, "not ready in time"),
    "requires": (SUMS, {"absent-library": "1.0"}, "absent-library==1.0"),
    "injects": (SUMS, {"x; touch /tmp/pwned": "1.0"}, "a requirement that is none"),
}


@pytest.mark.parametrize(
    "names",
    [
        ["import", "exits", "requires", "injects"],
        pytest.param(["raises", "no-class", "no-predict", "crashes", "sleeps"], marks=pytest.mark.slow),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why_and_holds_up_no_other(
    tmp_path: Path, names: list[str]
) -> None:
    path = plan(tmp_path, 1, sums(tmp_path / "1.bundle"))
    settings = Settings(plan=path, port=0, allow_python=True, host_start_seconds=6.0)
    with replica(tmp_path, settings) as running:
        running.wait_ready()
        bundles = {
            name: hosted(tmp_path / f"{name}.bundle", source, name=name, requirements=needs)
            for name, (source, needs, _) in BAD.items()
            if name in names
        }
        publish(tmp_path / "plan.json", make_plan(2, good=sums(tmp_path / "2.bundle"), **bundles))
        one = Hosted(running)
        eventually(lambda: one.ask("good", 1.0, 2.0).json()["version"] == 2, 30)
        slots = eventually(lambda: settled(one), 40) or {}
        for name in names:
            reason = BAD[name][2]
            assert reason in slots[f"{name}:2"]["reason"], slots
            assert str(tmp_path) not in slots[f"{name}:2"]["reason"]
        assert len([pid for pid in running.hosts() if alive(pid)]) == 1


def settled(one: Hosted) -> dict[str, Any] | None:
    """The slots in `/debug/plan`, once none is about to be ready."""
    slots: dict[str, Any] = one.plan()["slots"]
    return slots if {slot["state"] for slot in slots.values()} == {"ready", "failed"} else None


def test_python_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    settings = Settings(bundles=(sums(tmp_path / "good.bundle"),), port=0)
    with replica(tmp_path, settings) as running:
        assert running.end() == 2
        assert "executable code" in running.events("not started")[0]["reason"]
        assert running.hosts() == []


DYING = """
import os
class Model:
    def predict(self, inputs):
        if inputs[0, 0] == 7:
            os._exit(1)
        return inputs.sum(axis=1)
"""


def test_a_host_that_keeps_dying_is_refused_quickly_until_it_is_tried_again(tmp_path: Path) -> None:
    bundles = [
        hosted(tmp_path / "bad.bundle", DYING, name="bad"),
        sums(tmp_path / "good.bundle"),
    ]
    with serving(tmp_path, bundles) as one, one.others_answer():
        for _ in range(3):
            assert one.ask("bad", 7.0).code == "model-crashed"
        refused = eventually(lambda: one.ask("bad", 1.0), 1)
        assert (refused.status, refused.code) == (503, "crash-loop")
        assert 0 < float(refused.headers["retry-after"]) <= 2
        assert one.metric("modelport_host_crash_looping", "bad") == 1
        slot = one.plan()["slots"]["bad:1"]
        assert (slot["host"], slot["restarts"]) == ("crash-loop", 3)
        assert one.running.get("/health")["status"] == "healthy"
        eventually(lambda: one.ask("bad", 1.0).status == 200)
        assert one.metric("modelport_host_crash_looping", "bad") == 0


FORKS = """
import subprocess
class Model:
    def load(self):
        print(subprocess.Popen(["sleep", "3600"]).pid)
    def predict(self, inputs):
        return inputs.sum(axis=1)
"""


def test_a_supervisor_that_is_killed_leaves_no_host_and_no_child_of_one(tmp_path: Path) -> None:
    bundle = hosted(tmp_path / "good.bundle", FORKS, name="good")
    with replica(tmp_path, Settings(bundles=(bundle,), port=0, allow_python=True)) as running:
        running.wait_ready()
        child = int(running.events("model said")[0]["line"])
        (host,) = running.hosts()
        assert alive(child)
        os.kill(running.process.pid, signal.SIGKILL)
        eventually(lambda: not alive(host))
        eventually(lambda: not alive(child))


@pytest.mark.slow
def test_a_hundred_hosts_one_after_the_other_fail_no_call_and_leave_nothing(tmp_path: Path) -> None:
    """Workers are replaced meanwhile, too."""
    bundles = [sums(tmp_path / "good.bundle")]
    with serving(tmp_path, bundles, workers=2, host_calls=10, max_requests=500) as one:
        with traffic(one.running.url, [asking("good", 1.0, 2.0)], right, rate=200, clients=4) as seen:
            eventually(lambda: one.metric("modelport_host_replaced_total", "good") >= 100, 900)
        print(f"100 hosts: {seen.counts}")
        assert seen.failed == 0, seen.counts
        eventually(lambda: sum(alive(pid) for pid in one.running.hosts()) == 1)
        open_files = len(list(Path(f"/proc/{one.running.process.pid}/fd").iterdir()))
        assert open_files < 60
