"""The metrics of a replica: names, types, labels and help, and the cells of the segment that they are.

docs/reference/metrics.md lists them; a test holds the two together.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from modelport.serving import shared
from modelport.serving.hosts import board
from modelport.serving.metrics.exposition import Family

NS = 1e9
MODEL = ("model", "version")
BY_PROTOCOL = (*MODEL, "protocol")
WORKER = ("worker",)
Kind = Literal["counter", "gauge"]


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


def _of_model(name: str, kind: Kind, told: str, cell: int, unit: float = 1) -> Cell:
    return Cell(Family(name, kind, told, MODEL), cell, unit)


def _of_worker(name: str, kind: Kind, told: str, cell: int, unit: float = 1) -> Cell:
    return Cell(Family(name, kind, told, WORKER), cell, unit)


SLOT_CELLS = (
    _of_model("modelport_rows_total", "counter", "Rows executed.", shared.ROWS),
    _of_model("modelport_batches_total", "counter", "Batches executed.", shared.BATCHES),
    _of_model(
        "modelport_queue_seconds_total",
        "counter",
        "Time requests waited for their batch.",
        shared.QUEUE_NS,
        NS,
    ),
    _of_model(
        "modelport_compute_seconds_total", "counter", "Time the model computed.", shared.COMPUTE_NS, NS
    ),
    _of_model("modelport_queued_rows", "gauge", "Rows that wait for a batch.", shared.QUEUED),
    _of_model("modelport_executing_requests", "gauge", "Requests whose batch is running.", shared.EXECUTING),
    _of_model(
        "modelport_instances",
        "gauge",
        "Batches that may run at a time, over all workers; of models that scale.",
        shared.INSTANCES,
    ),
    _of_model(
        "modelport_cancelled_total",
        "counter",
        "Requests whose client left while they waited.",
        shared.CANCELLED,
    ),
    _of_model(
        "modelport_expired_total",
        "counter",
        "Requests whose deadline passed while they waited.",
        shared.EXPIRED,
    ),
    _of_model(
        "modelport_nonfinite_outputs_total",
        "counter",
        "Rows answered with NaN or infinity.",
        shared.NONFINITE,
    ),
    _of_model("modelport_lost_total", "counter", "Requests that died with their worker.", shared.LOST),
    _of_model(
        "modelport_below_threshold_total",
        "counter",
        "Rows below the confidence threshold.",
        shared.BELOW_THRESHOLD,
    ),
)

RESIDENCE_CELLS = (
    _of_model("modelport_model_loaded", "gauge", "Workers that hold the model in memory.", shared.LOADED),
    _of_model(
        "modelport_model_memory_bytes",
        "gauge",
        "Memory the model takes, as measured when it was loaded, over all workers.",
        shared.MODEL_BYTES,
    ),
    _of_model("modelport_model_loads_total", "counter", "Loads of a lazy model.", shared.LOADS),
    _of_model(
        "modelport_model_load_seconds_total",
        "counter",
        "Time loads of a lazy model took.",
        shared.LOAD_NS,
        NS,
    ),
    _of_model(
        "modelport_model_load_failures_total",
        "counter",
        "Loads of a lazy model that failed.",
        shared.LOADS_FAILED,
    ),
    _of_model(
        "modelport_model_load_deaths_total",
        "counter",
        "Workers that died while they loaded the model.",
        shared.LOAD_DEATHS,
    ),
    _of_model("modelport_model_evictions_total", "counter", "Times the model was let go.", shared.EVICTIONS),
    _of_model("modelport_cold_requests_total", "counter", "Requests that waited for a load.", shared.COLD),
)

CACHE_CELLS = (
    _of_model(
        "modelport_cache_hits_total", "counter", "Requests answered from the cache.", shared.CACHE_HITS
    ),
    _of_model(
        "modelport_cache_misses_total",
        "counter",
        "Requests that were not in the cache, or were to be answered afresh.",
        shared.CACHE_MISSES,
    ),
    _of_model(
        "modelport_cache_hit_seconds_total",
        "counter",
        "Time of requests answered from the cache, which no histogram counts.",
        shared.CACHE_HIT_NS,
        NS,
    ),
    _of_model(
        "modelport_cache_evictions_total",
        "counter",
        "Answers that went to make room for others.",
        shared.CACHE_EVICTIONS,
    ),
    _of_model("modelport_cache_bytes", "gauge", "Memory of remembered answers.", shared.CACHE_BYTES),
)

SHADOW_CELLS = (
    _of_model(
        "modelport_shadow_rows_total",
        "counter",
        "Rows repeated at the shadow and compared with the answer.",
        shared.SHADOW_ROWS,
    ),
    _of_model(
        "modelport_shadow_agreed_rows_total",
        "counter",
        "Compared rows with the same prediction.",
        shared.SHADOW_AGREED,
    ),
    _of_model(
        "modelport_shadow_shift_total",
        "counter",
        "Sum over compared rows of the largest difference of a probability.",
        shared.SHADOW_SHIFT,
        1e6,
    ),
    _of_model(
        "modelport_shadow_answered_seconds_total",
        "counter",
        "Time the compared requests took where they were answered.",
        shared.SHADOW_ANSWERED_NS,
        NS,
    ),
    _of_model(
        "modelport_shadow_dropped_total",
        "counter",
        "Requests that were to be repeated, and found no time or room.",
        shared.SHADOW_DROPPED,
    ),
)

HOST_CELLS = (
    _of_model("modelport_host_up", "gauge", "Model hosts that take calls.", board.PID),
    _of_model("modelport_host_restarts_total", "counter", "Model hosts that were lost.", board.RESTARTS),
    _of_model(
        "modelport_host_hung_total",
        "counter",
        "Model hosts ended because a batch took too long, or they had stopped.",
        board.HUNG,
    ),
    _of_model(
        "modelport_host_memory_exceeded_total",
        "counter",
        "Model hosts ended because they took too much memory.",
        board.BLOATED,
    ),
    _of_model(
        "modelport_host_replaced_total",
        "counter",
        "Model hosts replaced in time, because of their age or growth.",
        board.RECYCLED,
    ),
    _of_model(
        "modelport_host_crash_looping", "gauge", "1 while starting it again does not help.", board.LOOPING
    ),
    _of_model(
        "modelport_host_resident_memory_bytes",
        "gauge",
        "Resident memory of the model's hosts.",
        board.RESIDENT,
    ),
)
"""Of models that run in model hosts; the cells are those of the board."""

SPARSE_CELLS = (*RESIDENCE_CELLS, *CACHE_CELLS, *SHADOW_CELLS)
"""Cells that few slots use: a series that is zero is left out."""

WORKER_CELLS = (
    _of_worker(
        "modelport_worker_restarts_total", "counter", "Starts in place of another worker.", shared.RESTARTS
    ),
    _of_worker(
        "modelport_worker_recycles_total",
        "counter",
        "Starts in place of a worker that had served its time.",
        shared.RECYCLES,
    ),
    _of_worker("modelport_worker_requests_total", "counter", "Requests read.", shared.ANSWERED),
    _of_worker(
        "modelport_worker_crash_looping", "gauge", "1 while starting it again does not help.", shared.LOOPING
    ),
    _of_worker("modelport_connections", "gauge", "Open connections.", shared.CONNECTIONS),
    _of_worker("modelport_connections_accepted_total", "counter", "Connections accepted.", shared.ACCEPTED),
    _of_worker(
        "modelport_tls_handshakes_failed_total",
        "counter",
        "Connections that ended before their TLS handshake did.",
        shared.UNSECURED,
    ),
    _of_worker(
        "modelport_inflight_requests", "gauge", "Requests received and not yet answered.", shared.INFLIGHT
    ),
    _of_worker(
        "modelport_loop_lag_seconds", "gauge", "How late the event loop runs its timers.", shared.LOOP_LAG, NS
    ),
    _of_worker(
        "modelport_overload_actions",
        "gauge",
        "How many of the four actions against overload are on.",
        shared.OVERLOAD,
    ),
    _of_worker(
        "modelport_worker_ready", "gauge", "1 when every pinned slot of the worker is warm.", shared.READY
    ),
    _of_worker(
        "modelport_worker_draining", "gauge", "1 while the worker finishes and stops.", shared.DRAINING
    ),
    _of_worker("modelport_events_total", "counter", "Prediction events noted.", shared.EVENTS),
    _of_worker(
        "modelport_events_written_total", "counter", "Events that reached the spool.", shared.EVENTS_WRITTEN
    ),
    _of_worker(
        "modelport_events_dropped_total",
        "counter",
        "Events that never reached the spool.",
        shared.EVENTS_DROPPED,
    ),
    _of_worker(
        "modelport_events_lost_total",
        "counter",
        "Written events whose file was deleted to stay below the spool's cap.",
        shared.EVENTS_LOST,
    ),
    _of_worker("modelport_payloads_total", "counter", "Payloads sampled.", shared.PAYLOADS),
    _of_worker(
        "modelport_payloads_dropped_total",
        "counter",
        "Sampled payloads that were not kept.",
        shared.PAYLOADS_DROPPED,
    ),
    _of_worker("modelport_spool_bytes", "gauge", "Bytes of spool files on disk.", shared.SPOOL_BYTES),
    _of_worker("modelport_process_resident_memory_bytes", "gauge", "Resident memory.", shared.RESIDENT),
)

WORKER_UP = Family("modelport_worker_up", "gauge", "1 when the worker's process is there.", WORKER)
CPU = Family("modelport_process_cpu_seconds_total", "counter", "Processor time, user and system.", WORKER)
MEMORY = Family("modelport_memory_budget_bytes", "gauge", "Memory for models, of all workers; 0 is no limit.")
BUILD = Family("modelport_build_info", "gauge", "Versions that run; always 1.", ("version", "python"))
REVISION = Family(
    "modelport_plan_revision_info", "gauge", "Revision of the plan in effect; always 1.", ("revision",)
)

FAMILIES: tuple[Family, ...] = (
    REQUESTS,
    DURATION,
    *(one.family for one in SLOT_CELLS),
    *(one.family for one in SPARSE_CELLS),
    BATCH_ROWS,
    *(one.family for one in HOST_CELLS),
    UNROUTED,
    WORKER_UP,
    *(one.family for one in WORKER_CELLS),
    CPU,
    MEMORY,
    BUILD,
    REVISION,
)
"""Everything that `metrics.render` may write."""
