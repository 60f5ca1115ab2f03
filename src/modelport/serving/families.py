"""The metrics of a replica: names, types, labels and help, and the cells of the segment that they are.

docs/reference/metrics.md lists them; a test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

from modelport.serving import shared
from modelport.serving.exposition import Family

NS = 1e9
MODEL = ("model", "version")
BY_PROTOCOL = (*MODEL, "protocol")
WORKER = ("worker",)


class Cell(NamedTuple):
    """A metric that is one cell, divided by `unit`."""

    family: Family
    cell: int
    unit: float = 1


REQUESTS = Family(
    "modelport_requests_total",
    "counter",
    "Requests that reached a model, by HTTP status; 499 means that the client left before its answer.",
    (*BY_PROTOCOL, "code"),
)
DURATION = Family(
    "modelport_request_duration_seconds",
    "histogram",
    "From the last byte received to the answer ready.",
    BY_PROTOCOL,
)
BATCH_ROWS = Family("modelport_batch_rows", "histogram", "Rows per executed batch.", MODEL)
UNROUTED = Family(
    "modelport_unrouted_requests_total",
    "counter",
    "Requests answered without reaching a model, by HTTP status.",
    ("code",),
)

SLOT_CELLS = (
    Cell(Family("modelport_rows_total", "counter", "Rows executed.", MODEL), shared.ROWS),
    Cell(Family("modelport_batches_total", "counter", "Batches executed.", MODEL), shared.BATCHES),
    Cell(
        Family("modelport_queue_seconds_total", "counter", "Time requests waited for their batch.", MODEL),
        shared.QUEUE_NS,
        NS,
    ),
    Cell(
        Family("modelport_compute_seconds_total", "counter", "Time the model computed.", MODEL),
        shared.COMPUTE_NS,
        NS,
    ),
    Cell(Family("modelport_queued_rows", "gauge", "Rows that wait for a batch.", MODEL), shared.QUEUED),
    Cell(
        Family("modelport_executing_requests", "gauge", "Requests whose batch is running.", MODEL),
        shared.EXECUTING,
    ),
    Cell(
        Family(
            "modelport_cancelled_total", "counter", "Requests whose client left while they waited.", MODEL
        ),
        shared.CANCELLED,
    ),
    Cell(
        Family(
            "modelport_expired_total", "counter", "Requests whose deadline passed while they waited.", MODEL
        ),
        shared.EXPIRED,
    ),
    Cell(
        Family("modelport_nonfinite_outputs_total", "counter", "Rows answered with NaN or infinity.", MODEL),
        shared.NONFINITE,
    ),
    Cell(
        Family("modelport_lost_total", "counter", "Requests that died with their worker.", MODEL),
        shared.LOST,
    ),
    Cell(
        Family("modelport_below_threshold_total", "counter", "Rows below the confidence threshold.", MODEL),
        shared.BELOW_THRESHOLD,
    ),
)

WORKER_CELLS = (
    Cell(
        Family("modelport_worker_restarts_total", "counter", "Starts in place of another worker.", WORKER),
        shared.RESTARTS,
    ),
    Cell(
        Family("modelport_worker_crash_looping", "gauge", "1 while starting it again does not help.", WORKER),
        shared.LOOPING,
    ),
    Cell(Family("modelport_connections", "gauge", "Open connections.", WORKER), shared.CONNECTIONS),
    Cell(
        Family("modelport_connections_accepted_total", "counter", "Connections accepted.", WORKER),
        shared.ACCEPTED,
    ),
    Cell(
        Family("modelport_inflight_requests", "gauge", "Requests received and not yet answered.", WORKER),
        shared.INFLIGHT,
    ),
    Cell(
        Family("modelport_loop_lag_seconds", "gauge", "How late the event loop runs its timers.", WORKER),
        shared.LOOP_LAG,
        NS,
    ),
    Cell(
        Family("modelport_worker_ready", "gauge", "1 when every pinned slot of the worker is warm.", WORKER),
        shared.READY,
    ),
    Cell(
        Family("modelport_worker_draining", "gauge", "1 while the worker finishes and stops.", WORKER),
        shared.DRAINING,
    ),
    Cell(Family("modelport_events_total", "counter", "Prediction events noted.", WORKER), shared.EVENTS),
    Cell(
        Family("modelport_events_written_total", "counter", "Events that reached the spool.", WORKER),
        shared.EVENTS_WRITTEN,
    ),
    Cell(
        Family("modelport_events_dropped_total", "counter", "Events that never reached the spool.", WORKER),
        shared.EVENTS_DROPPED,
    ),
    Cell(
        Family(
            "modelport_events_lost_total",
            "counter",
            "Written events whose file was deleted to stay below the spool's cap.",
            WORKER,
        ),
        shared.EVENTS_LOST,
    ),
    Cell(Family("modelport_payloads_total", "counter", "Payloads sampled.", WORKER), shared.PAYLOADS),
    Cell(
        Family("modelport_payloads_dropped_total", "counter", "Sampled payloads that were not kept.", WORKER),
        shared.PAYLOADS_DROPPED,
    ),
    Cell(
        Family("modelport_spool_bytes", "gauge", "Bytes of spool files on disk.", WORKER),
        shared.SPOOL_BYTES,
    ),
    Cell(
        Family("modelport_process_resident_memory_bytes", "gauge", "Resident memory.", WORKER),
        shared.RESIDENT,
    ),
)

WORKER_UP = Family("modelport_worker_up", "gauge", "1 when the worker's process is there.", WORKER)
CPU = Family("modelport_process_cpu_seconds_total", "counter", "Processor time, user and system.", WORKER)
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
"""Everything that `metrics.render` may write."""
