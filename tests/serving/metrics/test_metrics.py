"""What /metrics and the statistics extension say is what the workers counted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modelport.core.plan import Revision
from modelport.serving import shared
from modelport.serving.hosts import board
from modelport.serving.metrics.families import FAMILIES
from modelport.serving.metrics.prometheus import render
from modelport.serving.metrics.slot_cells import SPARSE_CELLS
from modelport.serving.metrics.statistics import statistics
from modelport.serving.replica import ledger

SLOTS = {"churn:1": (0, "churn", 1), "churn:2": (1, "churn", 2), "idle:1": (2, "idle", 1)}
DOCS = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: bytes) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[(name, frozenset(labels.items()))]


def add(segment: shared.Segment, worker: int, place: int, cell: int, amount: int = 1) -> None:
    segment.cells[segment.slot(worker, place) + cell] += amount


def answer(
    segment: shared.Segment, worker: int, place: int, *, protocol: int, status: int, seconds: float
) -> None:
    add(segment, worker, place, shared.request_cell(protocol, status))
    add(segment, worker, place, shared.latency_cell(protocol, seconds))
    add(segment, worker, place, shared.LATENCY_NS + protocol, int(seconds * 1e9))


@pytest.fixture
def segment() -> shared.Segment:
    """Two workers that have answered a little, and two spare rows."""
    segment = shared.Segment.create(workers=4, slots=4, keys=1)
    for worker in range(2):
        row = segment.row(worker)
        ledger.begin(segment, worker, incarnation=1 + worker, restart=False)
        segment.cells[row + shared.PID] = os.getpid()
        segment.cells[row + shared.EVENTS] = 10 * (worker + 1)
        segment.cells[row + shared.LOOP_LAG] = 1_500_000
        answer(segment, worker, 0, protocol=0, status=200, seconds=0.0002)
        answer(segment, worker, 0, protocol=1, status=503, seconds=0.3)
        add(segment, worker, 0, shared.ROWS, 3)
        add(segment, worker, 0, shared.BATCHES)
        add(segment, worker, 0, shared.batch_cell(3))
        add(segment, worker, 0, shared.QUEUE_NS, 2_000_000_000)
        add(segment, worker, 0, shared.LAST_MS, 1000 + worker)
        for cell in SPARSE_CELLS:
            add(segment, worker, 0, cell.cell, 1)
    segment.cells[segment.row(1) + shared.UNROUTED_CODES + shared.code_index(404)] = 7
    return segment


def test_counters_are_merged_over_workers(segment: shared.Segment) -> None:
    samples = parse(render(segment, SLOTS, version="1.0"))
    churn = {"model": "churn", "version": "1"}
    assert value(samples, "modelport_requests_total", **churn, protocol="native", code="200") == 2
    assert value(samples, "modelport_requests_total", **churn, protocol="v2", code="503") == 2
    assert value(samples, "modelport_rows_total", **churn) == 6
    assert value(samples, "modelport_queue_seconds_total", **churn) == 4.0
    assert value(samples, "modelport_unrouted_requests_total", code="404") == 7


def test_histograms_are_cumulative_and_end_in_their_count(segment: shared.Segment) -> None:
    samples = parse(render(segment, SLOTS, version="1.0"))
    labels = {"model": "churn", "version": "1", "protocol": "native"}
    name = "modelport_request_duration_seconds"
    assert value(samples, f"{name}_bucket", **labels, le="0.0001") == 0
    assert value(samples, f"{name}_bucket", **labels, le="0.00025") == 2
    assert value(samples, f"{name}_bucket", **labels, le="+Inf") == 2
    assert value(samples, f"{name}_count", **labels) == 2
    assert value(samples, f"{name}_sum", **labels) == pytest.approx(0.0004)
    rows = {"model": "churn", "version": "1"}
    assert value(samples, "modelport_batch_rows_bucket", **rows, le="2") == 0
    assert value(samples, "modelport_batch_rows_bucket", **rows, le="4") == 2
    assert value(samples, "modelport_batch_rows_sum", **rows) == 6


def test_worker_series_stand_apart(segment: shared.Segment) -> None:
    samples = parse(render(segment, SLOTS, version="1.0", cpu=lambda pid: 2.5))
    assert value(samples, "modelport_events_total", worker="0") == 10
    assert value(samples, "modelport_events_total", worker="1") == 20
    assert value(samples, "modelport_worker_restarts_total", worker="0") == 0
    assert value(samples, "modelport_worker_restarts_total", worker="1") == 0, "it is the second start"
    assert value(samples, "modelport_loop_lag_seconds", worker="0") == 0.0015
    assert value(samples, "modelport_process_cpu_seconds_total", worker="0") == 2.5


def test_a_worker_without_a_process_is_down_and_keeps_its_counters(segment: shared.Segment) -> None:
    segment.cells[segment.row(1) + shared.PID] = 0
    samples = parse(render(segment, SLOTS, version="1.0"))
    assert value(samples, "modelport_worker_up", worker="0") == 1
    assert value(samples, "modelport_worker_up", worker="1") == 0
    assert value(samples, "modelport_events_total", worker="1") == 20
    assert ("modelport_process_cpu_seconds_total", frozenset({("worker", "1")})) not in samples


def test_spare_rows_are_no_workers(segment: shared.Segment) -> None:
    """Nobody should answer from them, so nobody is down."""
    samples = parse(render(segment, SLOTS, version="1.0"))
    workers = {dict(labels).get("worker") for _, labels in samples}
    assert workers == {"0", "1", None}


def test_a_row_that_is_spare_again_keeps_its_counters_and_has_no_gauge(segment: shared.Segment) -> None:
    ledger.begin(segment, 2, 3, restart=True)
    segment.cells[segment.row(2) + shared.EVENTS] = 5
    ledger.retire(segment, 2)
    text = render(segment, SLOTS, version="1.0").decode()
    samples = parse(text.encode())
    assert value(samples, "modelport_events_total", worker="2") == 5
    assert value(samples, "modelport_worker_restarts_total", worker="2") == 1
    gauges = set(re.findall(r"(?m)^# TYPE (\w+) gauge$", text))
    assert not [name for name, labels in samples if name in gauges and ("worker", "2") in labels]


def test_a_worker_that_keeps_dying_is_down_and_said_to_loop(segment: shared.Segment) -> None:
    ledger.settle(segment, 1, [])
    ledger.looping(segment, 1, is_looping=True)
    samples = parse(render(segment, SLOTS, version="1.0"))
    names = ("modelport_worker_up", "modelport_worker_ready", "modelport_worker_crash_looping")
    assert [value(samples, name, worker="1") for name in names] == [0, 0, 1]
    assert value(samples, "modelport_worker_crash_looping", worker="0") == 0


def test_processor_seconds_of_this_process_are_told(segment: shared.Segment) -> None:
    samples = parse(render(segment, SLOTS, version="1.0"))
    assert value(samples, "modelport_process_cpu_seconds_total", worker="0") > 0


def test_series_never_seen_are_left_out(segment: shared.Segment) -> None:
    """An idle model costs its plain counters, and no histogram."""
    samples = parse(render(segment, SLOTS, version="1.0"))
    idle = [name for name, labels in samples if ("model", "idle") in labels]
    assert "modelport_rows_total" in idle
    assert not [name for name in idle if "bucket" in name or name == "modelport_requests_total"]
    assert ("modelport_requests_total", frozenset({("code", "400")})) not in samples


def test_label_values_are_escaped(segment: shared.Segment) -> None:
    odd = 'a"b\\c\nd'
    samples = parse(render(segment, {"odd:1": (0, odd, 1)}, version='1"0', revision=Revision(1, 2)))
    assert value(samples, "modelport_rows_total", model=odd, version="1") == 6
    assert value(samples, "modelport_plan_revision_info", revision="1-2") == 1


def test_every_family_written_is_declared_once_and_every_one_declared_is_written(
    segment: shared.Segment,
) -> None:
    hosts = {slot: dict.fromkeys(range(board.CELLS), 1) for slot in SLOTS}
    text = render(segment, SLOTS, version="1.0", revision=Revision(0, 1), hosts=hosts).decode()
    kinds = [tuple(line.split()[2:]) for line in text.splitlines() if line.startswith("# TYPE")]
    assert kinds == [(family.name, family.kind) for family in FAMILIES]
    for metric in text_string_to_metric_families(text):
        labels = {name for sample in metric.samples for name in sample.labels} - {"le"}
        declared = {family.name.removesuffix("_total"): set(family.labels) for family in FAMILIES}
        assert labels == declared[metric.name.removesuffix("_total")]


def test_the_exposition_passes_promtool(segment: shared.Segment) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    text = render(segment, SLOTS, version="1.0", revision=Revision(0, 1))
    result = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_every_metric_is_documented_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", DOCS.read_text(), re.MULTILINE)
    documented = {name: (kind, tuple(re.findall(r"`(\w+)`", names))) for name, kind, names, _ in rows}
    assert documented == {family.name: (family.kind, family.labels) for family in FAMILIES}


def test_statistics_have_the_form_that_triton_clients_read(segment: shared.Segment) -> None:
    stats = statistics(segment, [SLOTS["churn:1"]])["model_stats"]
    assert [one["name"] for one in stats] == ["churn"]
    assert stats[0]["version"] == "1"
    assert stats[0]["last_inference"] == 1001
    assert stats[0]["inference_count"] == 6
    assert stats[0]["execution_count"] == 2
    inference = stats[0]["inference_stats"]
    assert inference["success"]["count"] == 2
    assert inference["fail"]["count"] == 2
    assert inference["queue"] == {"count": 2, "ns": 4_000_000_000}
    assert set(inference) == {
        *("success", "fail", "queue", "compute_input", "compute_infer", "compute_output"),
        *("cache_hit", "cache_miss"),
    }


def test_a_control_slot_counts_as_the_version_it_is_of(segment: shared.Segment) -> None:
    """As it does in the metrics: callers were answered by version 1, wherever its second copy is."""
    apart = statistics(segment, [(0, "churn", 1), (1, "churn", 2)])["model_stats"]
    together = statistics(segment, [(0, "churn", 1), (1, "churn", 1)])["model_stats"]
    assert len(together) == 1
    for name in ("inference_count", "execution_count"):
        assert together[0][name] == sum(one[name] for one in apart) > 0
    assert together[0]["last_inference"] == max(one["last_inference"] for one in apart)
