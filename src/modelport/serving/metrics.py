"""What a replica tells Prometheus, merged over its workers from the shared segment.

Any worker can answer for all. Series carry `model, version, protocol`, and `code` on counters only; a series
of a protocol or code never seen is left out, so a thousand models stay cheap.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from modelport.core.plan import Revision
from modelport.serving import ledger, shared
from modelport.serving.exposition import Family, Histogram, family, histogram, labels
from modelport.serving.processes import cpu_seconds
from modelport.serving.shared import Segment

_NS = 1e9
_MODEL = ("model", "version")
_BY_PROTOCOL = (*_MODEL, "protocol")
_WORKER = ("worker",)

Place = tuple[int, str, int]
"""Where a slot's cells are, and the model and version it serves."""


class Slot(NamedTuple):
    """A slot's merged cells, with its labels as they are written."""

    labels: str
    cells: list[int]


class Cell(NamedTuple):
    """A metric that is one cell, divided by `unit`."""

    family: Family
    cell: int
    unit: float = 1


REQUESTS = Family(
    "modelport_requests_total",
    "counter",
    "Requests that reached a model, by HTTP status; 499 means that the client left before its answer.",
    (*_BY_PROTOCOL, "code"),
)
DURATION = Family(
    "modelport_request_duration_seconds",
    "histogram",
    "From the last byte received to the answer ready.",
    _BY_PROTOCOL,
)
BATCH_ROWS = Family("modelport_batch_rows", "histogram", "Rows per executed batch.", _MODEL)
UNROUTED = Family(
    "modelport_unrouted_requests_total",
    "counter",
    "Requests answered without reaching a model, by HTTP status.",
    ("code",),
)

SLOT_CELLS = (
    Cell(Family("modelport_rows_total", "counter", "Rows executed.", _MODEL), shared.ROWS),
    Cell(Family("modelport_batches_total", "counter", "Batches executed.", _MODEL), shared.BATCHES),
    Cell(
        Family("modelport_queue_seconds_total", "counter", "Time requests waited for their batch.", _MODEL),
        shared.QUEUE_NS,
        _NS,
    ),
    Cell(
        Family("modelport_compute_seconds_total", "counter", "Time the model computed.", _MODEL),
        shared.COMPUTE_NS,
        _NS,
    ),
    Cell(Family("modelport_queued_rows", "gauge", "Rows that wait for a batch.", _MODEL), shared.QUEUED),
    Cell(
        Family("modelport_executing_requests", "gauge", "Requests whose batch is running.", _MODEL),
        shared.EXECUTING,
    ),
    Cell(
        Family(
            "modelport_cancelled_total", "counter", "Requests whose client left while they waited.", _MODEL
        ),
        shared.CANCELLED,
    ),
    Cell(
        Family(
            "modelport_expired_total", "counter", "Requests whose deadline passed while they waited.", _MODEL
        ),
        shared.EXPIRED,
    ),
    Cell(
        Family("modelport_nonfinite_outputs_total", "counter", "Rows answered with NaN or infinity.", _MODEL),
        shared.NONFINITE,
    ),
    Cell(
        Family("modelport_lost_total", "counter", "Requests that died with their worker.", _MODEL),
        shared.LOST,
    ),
    Cell(
        Family("modelport_below_threshold_total", "counter", "Rows below the confidence threshold.", _MODEL),
        shared.BELOW_THRESHOLD,
    ),
)

WORKER_CELLS = (
    Cell(
        Family("modelport_worker_restarts_total", "counter", "Starts in place of another worker.", _WORKER),
        shared.RESTARTS,
    ),
    Cell(
        Family(
            "modelport_worker_crash_looping", "gauge", "1 while starting it again does not help.", _WORKER
        ),
        shared.LOOPING,
    ),
    Cell(Family("modelport_connections", "gauge", "Open connections.", _WORKER), shared.CONNECTIONS),
    Cell(
        Family("modelport_connections_accepted_total", "counter", "Connections accepted.", _WORKER),
        shared.ACCEPTED,
    ),
    Cell(
        Family("modelport_inflight_requests", "gauge", "Requests received and not yet answered.", _WORKER),
        shared.INFLIGHT,
    ),
    Cell(
        Family("modelport_loop_lag_seconds", "gauge", "How late the event loop runs its timers.", _WORKER),
        shared.LOOP_LAG,
        _NS,
    ),
    Cell(
        Family("modelport_worker_ready", "gauge", "1 when every pinned slot of the worker is warm.", _WORKER),
        shared.READY,
    ),
    Cell(
        Family("modelport_worker_draining", "gauge", "1 while the worker finishes and stops.", _WORKER),
        shared.DRAINING,
    ),
    Cell(Family("modelport_events_total", "counter", "Prediction events noted.", _WORKER), shared.EVENTS),
    Cell(
        Family("modelport_events_written_total", "counter", "Events that reached the spool.", _WORKER),
        shared.EVENTS_WRITTEN,
    ),
    Cell(
        Family("modelport_events_dropped_total", "counter", "Events that never reached the spool.", _WORKER),
        shared.EVENTS_DROPPED,
    ),
    Cell(
        Family(
            "modelport_events_lost_total",
            "counter",
            "Written events whose file was deleted to stay below the spool's cap.",
            _WORKER,
        ),
        shared.EVENTS_LOST,
    ),
    Cell(Family("modelport_payloads_total", "counter", "Payloads sampled.", _WORKER), shared.PAYLOADS),
    Cell(
        Family(
            "modelport_payloads_dropped_total", "counter", "Sampled payloads that were not kept.", _WORKER
        ),
        shared.PAYLOADS_DROPPED,
    ),
    Cell(
        Family("modelport_spool_bytes", "gauge", "Bytes of spool files on disk.", _WORKER),
        shared.SPOOL_BYTES,
    ),
    Cell(
        Family("modelport_process_resident_memory_bytes", "gauge", "Resident memory.", _WORKER),
        shared.RESIDENT,
    ),
)

WORKER_UP = Family("modelport_worker_up", "gauge", "1 when the worker's process is there.", _WORKER)
CPU = Family("modelport_process_cpu_seconds_total", "counter", "Processor time, user and system.", _WORKER)
BUILD = Family("modelport_build_info", "gauge", "Versions that run; always 1.", ("version", "python"))
REVISION = Family(
    "modelport_plan_revision_info", "gauge", "Revision of the plan in effect; always 1.", ("revision",)
)

FAMILIES: tuple[Family, ...] = (
    REQUESTS,
    DURATION,
    *(one.family for one in SLOT_CELLS),
    BATCH_ROWS,
    UNROUTED,
    WORKER_UP,
    *(one.family for one in WORKER_CELLS),
    CPU,
    BUILD,
    REVISION,
)
"""Everything that `render` may write."""


def render(
    segment: Segment,
    slots: Mapping[str, Place],
    *,
    version: str,
    revision: Revision | None = None,
    cpu: Callable[[int], float | None] = cpu_seconds,
) -> bytes:
    """The whole exposition, in the text format 0.0.4.

    `version` is Modelport's own, `revision` that of the plan in effect; `cpu` tells the processor seconds
    of a process, or None where it cannot be known.
    """
    merged = [
        Slot(labels(dict(zip(_MODEL, (model, number), strict=True))), segment.sum_slot(place))
        for place, model, number in slots.values()
    ]
    lines = (*_slot_lines(merged), *_worker_lines(segment, cpu), *_info_lines(version, revision))
    return ("\n".join(lines) + "\n").encode()


def _slot_lines(slots: list[Slot]) -> Iterator[str]:
    yield from family(REQUESTS, (sample for slot in slots for sample in _requests(slot)))
    yield from histogram(DURATION, shared.BUCKETS, (one for slot in slots for one in _durations(slot)))
    for what, cell, unit in SLOT_CELLS:
        yield from family(what, [(slot.labels, _value(slot.cells[cell], unit)) for slot in slots])
    yield from histogram(BATCH_ROWS, shared.BATCH_BUCKETS, (one for slot in slots for one in _batches(slot)))


def _requests(slot: Slot) -> Iterator[tuple[str, float]]:
    for index, protocol in enumerate(shared.PROTOCOLS):
        first = shared.REQUESTS + index * len(shared.CODES)
        for code, count in zip(shared.CODES, slot.cells[first : first + len(shared.CODES)], strict=True):
            if count:
                yield f'{slot.labels},protocol="{protocol}",code="{code}"', count


def _durations(slot: Slot) -> Iterator[Histogram]:
    width = len(shared.BUCKETS) + 1
    for index, protocol in enumerate(shared.PROTOCOLS):
        first = shared.LATENCY + index * width
        counts = slot.cells[first : first + width]
        if any(counts):
            total = slot.cells[shared.LATENCY_NS + index] / _NS
            yield Histogram(f'{slot.labels},protocol="{protocol}"', counts, total)


def _batches(slot: Slot) -> Iterator[Histogram]:
    counts = slot.cells[shared.BATCH_SIZES : shared.BATCH_SIZES + len(shared.BATCH_BUCKETS) + 1]
    if any(counts):
        yield Histogram(slot.labels, counts, slot.cells[shared.ROWS])


def _worker_lines(segment: Segment, cpu: Callable[[int], float | None]) -> Iterator[str]:
    cells = segment.cells
    used = [worker for worker in range(segment.workers) if ledger.ever_used(segment, worker)]
    rows = [(f'worker="{worker}"', segment.row(worker)) for worker in used]
    codes = enumerate(shared.CODES)
    unrouted = ((code, segment.sum_worker(shared.UNROUTED_CODES + index)) for index, code in codes)
    yield from family(UNROUTED, [(f'code="{code}"', count) for code, count in unrouted if count])
    wanted = [(name, row) for name, row in rows if cells[row + shared.INCARNATION]]
    yield from family(WORKER_UP, [(name, int(cells[row + shared.PID] > 0)) for name, row in wanted])
    for what, cell, unit in WORKER_CELLS:
        # A spare row has no gauges any more; what was counted in it stays counted.
        whose = rows if what.kind == "counter" else wanted
        yield from family(what, [(name, _value(cells[row + cell], unit)) for name, row in whose])
    seconds = ((name, cpu(cells[row + shared.PID])) for name, row in rows if cells[row + shared.PID])
    yield from family(CPU, [(name, value) for name, value in seconds if value is not None])


def _info_lines(version: str, revision: Revision | None) -> Iterator[str]:
    build = {"version": version, "python": platform.python_version()}
    yield from family(BUILD, [(labels(build), 1)])
    if revision is not None:
        yield from family(REVISION, [(labels({"revision": revision}), 1)])


def _value(count: int, unit: float) -> float:
    return count if unit == 1 else count / unit
