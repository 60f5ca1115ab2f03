"""How a bundle is best served, as measured on one machine: advice, no part of what the model is."""

from __future__ import annotations

import msgspec

ATTACHMENT = "tuning.json"


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `modelport tune` found. It holds for machines with as many cores as the one it was measured on.

    Attributes:
        batch_size: most rows in one batch.
        instances: batches of the model that run at a time in one worker.
        threads: threads that run batches, per worker.
        intra_op: threads inside one batch.
        workers: processes that answer.
        target_p99_ms: the latency that was asked for, in milliseconds.
        connections: callers at a time, in the measurement.
        rate: answers per second then.
        p99_ms: 99th percentile of their latency, in milliseconds.
        cores: of the machine.
        processor: its name.
        measured: when, RFC 3339, UTC.
    """

    batch_size: int
    instances: int
    threads: int
    intra_op: int
    workers: int
    target_p99_ms: float
    connections: int
    rate: float
    p99_ms: float
    cores: int
    processor: str
    measured: str


def fits(tuning: Tuning, cores: int) -> bool:
    """Whether advice measured on another machine, perhaps, is advice for one with `cores` cores."""
    return tuning.cores == cores
