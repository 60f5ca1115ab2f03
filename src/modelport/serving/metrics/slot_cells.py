"""Metrics of models: the cells that every slot has in the segment, and those of its hosts on their board."""

from __future__ import annotations

from modelport.serving import shared
from modelport.serving.hosts import board
from modelport.serving.metrics.cells import NS, of_model

SLOT_CELLS = (
    of_model("modelport_rows_total", "counter", "Rows executed.", shared.ROWS),
    of_model("modelport_batches_total", "counter", "Batches executed.", shared.BATCHES),
    of_model(
        "modelport_queue_seconds_total",
        "counter",
        "Time requests waited for their batch.",
        shared.QUEUE_NS,
        NS,
    ),
    of_model("modelport_compute_seconds_total", "counter", "Time the model computed.", shared.COMPUTE_NS, NS),
    of_model("modelport_queued_rows", "gauge", "Rows that wait for a batch.", shared.QUEUED),
    of_model("modelport_executing_requests", "gauge", "Requests whose batch is running.", shared.EXECUTING),
    of_model(
        "modelport_instances",
        "gauge",
        "Batches that may run at a time, over all workers; of models that scale or have hosts.",
        shared.INSTANCES,
    ),
    of_model(
        "modelport_cancelled_total",
        "counter",
        "Requests whose client left while they waited.",
        shared.CANCELLED,
    ),
    of_model(
        "modelport_expired_total",
        "counter",
        "Requests whose deadline passed while they waited.",
        shared.EXPIRED,
    ),
    of_model(
        "modelport_nonfinite_outputs_total",
        "counter",
        "Rows answered with NaN or infinity.",
        shared.NONFINITE,
    ),
    of_model("modelport_lost_total", "counter", "Requests that died with their worker.", shared.LOST),
    of_model(
        "modelport_below_threshold_total",
        "counter",
        "Rows below the confidence threshold.",
        shared.BELOW_THRESHOLD,
    ),
)

RESIDENCE_CELLS = (
    of_model("modelport_model_loaded", "gauge", "Workers that hold the model in memory.", shared.LOADED),
    of_model(
        "modelport_model_memory_bytes",
        "gauge",
        "Memory the model takes, as measured when it was loaded, over all workers.",
        shared.MODEL_BYTES,
    ),
    of_model("modelport_model_loads_total", "counter", "Loads of a lazy model.", shared.LOADS),
    of_model(
        "modelport_model_load_seconds_total",
        "counter",
        "Time loads of a lazy model took.",
        shared.LOAD_NS,
        NS,
    ),
    of_model(
        "modelport_model_load_failures_total",
        "counter",
        "Loads of a lazy model that failed.",
        shared.LOADS_FAILED,
    ),
    of_model(
        "modelport_model_load_deaths_total",
        "counter",
        "Workers that died while they loaded the model.",
        shared.LOAD_DEATHS,
    ),
    of_model("modelport_model_evictions_total", "counter", "Times the model was let go.", shared.EVICTIONS),
    of_model("modelport_cold_requests_total", "counter", "Requests that waited for a load.", shared.COLD),
)

CACHE_CELLS = (
    of_model("modelport_cache_hits_total", "counter", "Requests answered from the cache.", shared.CACHE_HITS),
    of_model(
        "modelport_cache_misses_total",
        "counter",
        "Requests that were not in the cache, or were to be answered afresh.",
        shared.CACHE_MISSES,
    ),
    of_model(
        "modelport_cache_hit_seconds_total",
        "counter",
        "Time of requests answered from the cache, which no histogram counts.",
        shared.CACHE_HIT_NS,
        NS,
    ),
    of_model(
        "modelport_cache_evictions_total",
        "counter",
        "Answers that went to make room for others.",
        shared.CACHE_EVICTIONS,
    ),
    of_model("modelport_cache_bytes", "gauge", "Memory of remembered answers.", shared.CACHE_BYTES),
)

SHADOW_CELLS = (
    of_model(
        "modelport_shadow_rows_total",
        "counter",
        "Rows repeated at the shadow and compared with the answer.",
        shared.SHADOW_ROWS,
    ),
    of_model(
        "modelport_shadow_agreed_rows_total",
        "counter",
        "Compared rows with the same prediction.",
        shared.SHADOW_AGREED,
    ),
    of_model(
        "modelport_shadow_shift_total",
        "counter",
        "Sum over compared rows of the largest difference of a probability.",
        shared.SHADOW_SHIFT,
        1e6,
    ),
    of_model(
        "modelport_shadow_answered_seconds_total",
        "counter",
        "Time the compared requests took where they were answered.",
        shared.SHADOW_ANSWERED_NS,
        NS,
    ),
    of_model(
        "modelport_shadow_dropped_total",
        "counter",
        "Requests that were to be repeated, and found no time or room.",
        shared.SHADOW_DROPPED,
    ),
)

HOST_CELLS = (
    of_model("modelport_host_up", "gauge", "Model hosts that take calls.", board.PID),
    of_model("modelport_host_restarts_total", "counter", "Model hosts that were lost.", board.RESTARTS),
    of_model(
        "modelport_host_hung_total",
        "counter",
        "Model hosts ended because a batch took too long, or they had stopped.",
        board.HUNG,
    ),
    of_model(
        "modelport_host_memory_exceeded_total",
        "counter",
        "Model hosts ended because they took too much memory.",
        board.BLOATED,
    ),
    of_model(
        "modelport_host_replaced_total",
        "counter",
        "Model hosts replaced in time, because of their age or growth.",
        board.RECYCLED,
    ),
    of_model(
        "modelport_host_crash_looping", "gauge", "1 while starting it again does not help.", board.LOOPING
    ),
    of_model(
        "modelport_host_resident_memory_bytes",
        "gauge",
        "Resident memory of the model's hosts.",
        board.RESIDENT,
    ),
)
"""Of models that run in model hosts; the cells are those of the board."""

SPARSE_CELLS = (*RESIDENCE_CELLS, *CACHE_CELLS, *SHADOW_CELLS)
"""Cells that few slots use: a series that is zero is left out."""
