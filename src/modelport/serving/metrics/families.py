"""All metrics of a replica: those that are cells, and those that are put together of several.

docs/reference/metrics.md lists them; a test holds the two together.
"""

from __future__ import annotations

from modelport.serving.metrics.cells import MODEL, WORKER
from modelport.serving.metrics.exposition import Family
from modelport.serving.metrics.slot_cells import HOST_CELLS, SLOT_CELLS, SPARSE_CELLS
from modelport.serving.metrics.worker_cells import WORKER_CELLS

BY_PROTOCOL = (*MODEL, "protocol")

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
"""Everything that `prometheus.render` may write."""
