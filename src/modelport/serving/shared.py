"""One memory segment per replica: each worker writes only its own row, everyone reads the sum.

All cells are unsigned 64-bit integers, aligned, so a reader never sees half a number. A worker that is
started in place of a dead one continues its row: counters never go back. The supervisor alone reads rows
of workers that do not answer, moves `executing` of a dead worker to errors, and clears its gauges.

    row = [worker cells | slots x (slot cells) | keys x (window cells) | slots x (evidence cells)]

Evidence stands apart: `/metrics` sums the span of slot cells, and pages that nobody counts in are never made.

Slots and keys get their place from the supervisor (`SlotSpec.id` -> index), the same in every worker.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterable

from modelport.core import latency

PROTOCOLS = ("native", "v2", "shadow")
"""The last carries what is repeated at a shadow: no caller's request."""
CODES = (200, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 429, 431, 500, 501, 503, 504, 499)
"""499: the client left before its answer. Any other status is counted under 500."""

BUCKETS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of the latency histogram, in seconds; one more bucket takes the rest."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Upper bounds of batch sizes, in rows; one more bucket takes the rest."""

# Cells of a worker, by offset in its row.
PID, INCARNATION, HEARTBEAT, CONNECTIONS, ACCEPTED, INFLIGHT, LOOP_LAG, DRAINING, READY = range(9)
EVENTS, EVENTS_DROPPED, EVENTS_LOST, PAYLOADS, PAYLOADS_DROPPED, SPOOL_BYTES, RESTARTS, RESIDENT = range(
    9, 17
)
EVENTS_WRITTEN = 17  # so that a successor knows exactly how many events died with its predecessor
LOOPING = 18  # 1 while starting the worker again does not help
UNSECURED = 19  # connections that never got through their TLS handshake
OVERLOAD = 20  # how many actions against overload are on
ANSWERED, RECYCLES = 21, 22  # requests read; starts in place of a worker that had served its time
UNROUTED_CODES = 23  # answers that reached no slot, by code
WORKER_CELLS = UNROUTED_CODES + len(CODES)

# Cells of a slot, by offset in its block.
ROWS, BATCHES, QUEUE_NS, COMPUTE_NS, INPUT_NS, OUTPUT_NS, FAIL_NS, LAST_MS = range(8)
QUEUED, EXECUTING, CANCELLED, NONFINITE, EXPIRED, LOST, BELOW_THRESHOLD = range(8, 15)
LATENCY_NS = 15  # sums, one per protocol
LATENCY = LATENCY_NS + len(PROTOCOLS)  # histogram, per protocol
REQUESTS = LATENCY + len(PROTOCOLS) * (len(BUCKETS) + 1)  # counts, per protocol and code
BATCH_SIZES = REQUESTS + len(PROTOCOLS) * len(CODES)
RESIDENCE = BATCH_SIZES + len(BATCH_BUCKETS) + 1
# Whether its model is in memory, what it takes, and what became of a lazy one.
LOADED, MODEL_BYTES, LOADS, LOAD_NS, LOADS_FAILED, EVICTIONS, COLD = range(RESIDENCE, RESIDENCE + 7)
# Answers that were given again.
CACHE_HITS, CACHE_MISSES, CACHE_HIT_NS, CACHE_EVICTIONS, CACHE_BYTES = range(COLD + 1, COLD + 6)
# What a shadow was compared on: rows, a millionth of the distance, seconds of those who answered.
SHADOW_ROWS, SHADOW_AGREED, SHADOW_SHIFT, SHADOW_ANSWERED_NS, SHADOW_DROPPED = range(
    CACHE_BYTES + 1, CACHE_BYTES + 6
)
# Whether a lazy model is being loaded now, and the workers that died of it.
LOADING, LOAD_DEATHS = SHADOW_DROPPED + 1, SHADOW_DROPPED + 2
INSTANCES = LOAD_DEATHS + 1  # batches that may run at a time, where that follows the load
SLOT_CELLS = INSTANCES + 1

# Cells of a slot's evidence. PLAIN are requests that are no trials; UNTIMED, trials without a latency: from
# the cache, or lost. Any other trial is counted in its bucket of latency alone. TRYING are those that run.
PLAIN, BROKEN, ASSIGNED, UNTIMED, FAULTS, TRYING, TIMED = range(7)
EVIDENCE_CELLS = TIMED + latency.CELLS

# Cells of a key's rate limit: the window they count, and the requests admitted in it and in the one before.
WINDOW, CURRENT, PREVIOUS = range(3)
KEY_CELLS = 3

CODE_INDEX = {code: index for index, code in enumerate(CODES)}
_OTHER = CODE_INDEX[500]


def code_index(status: int) -> int:
    """Where a status is counted."""
    return CODE_INDEX.get(status, _OTHER)


def latency_cell(protocol: int, seconds: float) -> int:
    """Offset, in a slot's block, of the histogram cell that `seconds` falls in."""
    return LATENCY + protocol * (len(BUCKETS) + 1) + bisect_left(BUCKETS, seconds)


def request_cell(protocol: int, status: int) -> int:
    """Offset, in a slot's block, of the counter of answers with `status`."""
    return REQUESTS + protocol * len(CODES) + code_index(status)


def batch_cell(rows: int) -> int:
    """Offset, in a slot's block, of the cell that counts batches of this size."""
    return BATCH_SIZES + bisect_left(BATCH_BUCKETS, rows)


class Segment:
    """The segment as one process sees it. `fd` is inherited by workers; close it with `close`."""

    def __init__(self, fd: int, workers: int, slots: int, keys: int) -> None:
        self.fd = fd
        self.workers = workers
        self.slots = slots
        self.keys = keys
        self.stride = _stride(slots, keys)
        self._map = mmap.mmap(fd, self.stride * workers * 8)
        self.cells = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls, workers: int, slots: int = 4096, keys: int = 1024) -> Segment:
        """A fresh segment of zeros, without a name anyone else could open."""
        fd = _anonymous_file()
        os.ftruncate(fd, _stride(slots, keys) * workers * 8)
        return cls(fd, workers, slots, keys)

    def row(self, worker: int) -> int:
        """Index of the first cell of a worker's row."""
        return worker * self.stride

    def slot(self, worker: int, slot: int) -> int:
        """Index of the first cell of a slot's block in a worker's row."""
        return worker * self.stride + WORKER_CELLS + slot * SLOT_CELLS

    def key(self, worker: int, key: int) -> int:
        """Index of the first cell of a key's window in a worker's row."""
        return worker * self.stride + WORKER_CELLS + self.slots * SLOT_CELLS + key * KEY_CELLS

    def evidence(self, worker: int, slot: int) -> int:
        """Index of the first cell of a slot's evidence in a worker's row."""
        return self.key(worker, self.keys) + slot * EVIDENCE_CELLS

    def sum_worker(self, offset: int) -> int:
        """Sum of a worker cell over all workers."""
        return sum(self.cells[self.row(worker) + offset] for worker in range(self.workers))

    def sum_slot(self, slot: int) -> list[int]:
        """Sums of all cells of a slot over all workers."""
        blocks = [self._block(self.slot(worker, slot), SLOT_CELLS) for worker in range(self.workers)]
        return [sum(cells) for cells in zip(*blocks, strict=True)]

    def clear_slot(self, slot: int, workers: Iterable[int]) -> None:
        """Zero a slot's cells, before its place is given to another slot."""
        for worker in workers:
            self._zero(self.slot(worker, slot), SLOT_CELLS)
            self._zero(self.evidence(worker, slot), EVIDENCE_CELLS)

    def close(self) -> None:
        """Unmap and close; the memory goes with the last process that holds it."""
        self.cells.release()
        self._map.close()
        os.close(self.fd)

    def _zero(self, start: int, length: int) -> None:
        self.cells[start : start + length] = memoryview(bytes(length * 8)).cast("Q")

    def _block(self, start: int, length: int) -> list[int]:
        return self.cells[start : start + length].tolist()


def _stride(slots: int, keys: int) -> int:
    """Cells of a row."""
    return WORKER_CELLS + slots * (SLOT_CELLS + EVIDENCE_CELLS) + keys * KEY_CELLS


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("modelport")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
