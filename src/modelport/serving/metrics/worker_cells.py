"""Metrics of workers: the cells that each has in the segment."""

from __future__ import annotations

from modelport.serving import shared
from modelport.serving.metrics.cells import NS, of_worker

WORKER_CELLS = (
    of_worker(
        "modelport_worker_restarts_total", "counter", "Starts in place of another worker.", shared.RESTARTS
    ),
    of_worker(
        "modelport_worker_recycles_total",
        "counter",
        "Starts in place of a worker that had served its time.",
        shared.RECYCLES,
    ),
    of_worker("modelport_worker_requests_total", "counter", "Requests read.", shared.ANSWERED),
    of_worker(
        "modelport_worker_crash_looping", "gauge", "1 while starting it again does not help.", shared.LOOPING
    ),
    of_worker("modelport_connections", "gauge", "Open connections.", shared.CONNECTIONS),
    of_worker("modelport_connections_accepted_total", "counter", "Connections accepted.", shared.ACCEPTED),
    of_worker(
        "modelport_tls_handshakes_failed_total",
        "counter",
        "Connections that ended before their TLS handshake did.",
        shared.UNSECURED,
    ),
    of_worker(
        "modelport_inflight_requests", "gauge", "Requests received and not yet answered.", shared.INFLIGHT
    ),
    of_worker(
        "modelport_loop_lag_seconds", "gauge", "How late the event loop runs its timers.", shared.LOOP_LAG, NS
    ),
    of_worker(
        "modelport_overload_actions",
        "gauge",
        "How many of the four actions against overload are on.",
        shared.OVERLOAD,
    ),
    of_worker(
        "modelport_worker_ready", "gauge", "1 when every pinned slot of the worker is warm.", shared.READY
    ),
    of_worker(
        "modelport_worker_draining", "gauge", "1 while the worker finishes and stops.", shared.DRAINING
    ),
    of_worker("modelport_events_total", "counter", "Prediction events noted.", shared.EVENTS),
    of_worker(
        "modelport_events_written_total", "counter", "Events that reached the spool.", shared.EVENTS_WRITTEN
    ),
    of_worker(
        "modelport_events_dropped_total",
        "counter",
        "Events that never reached the spool.",
        shared.EVENTS_DROPPED,
    ),
    of_worker(
        "modelport_events_lost_total",
        "counter",
        "Written events whose file was deleted to stay below the spool's cap.",
        shared.EVENTS_LOST,
    ),
    of_worker("modelport_payloads_total", "counter", "Payloads sampled.", shared.PAYLOADS),
    of_worker(
        "modelport_payloads_dropped_total",
        "counter",
        "Sampled payloads that were not kept.",
        shared.PAYLOADS_DROPPED,
    ),
    of_worker("modelport_spool_bytes", "gauge", "Bytes of spool files on disk.", shared.SPOOL_BYTES),
    of_worker("modelport_process_resident_memory_bytes", "gauge", "Resident memory.", shared.RESIDENT),
)
