"""Answers that were given before, kept within a budget of bytes: only of models that always answer the same.

An answer is found again by what the model was asked: its slot and identity, and the decoded tensors. So two
spellings of one request share it, whatever protocol brought them, and what only shapes the answer (a
threshold, whether probabilities are wanted) does not matter. A hit never reaches the model: it is counted
apart, and is no evidence of latency.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from time import monotonic
from typing import NamedTuple

import msgspec
import numpy as np

from modelport.runtimes.batch import Array, Batch, Ragged, Tensor
from modelport.serving import shared
from modelport.serving.call import Call
from modelport.serving.counters import SlotCounters
from modelport.serving.execution.run import Outcome
from modelport.serving.replies import Witness
from modelport.serving.results import Results, nonfinite_rows

LONGEST = 256 * 1024
"""Bytes of the longest input that is looked up: to read one takes a microsecond per kilobyte on the loop."""
_ENTRY = 1024
"""Bytes of an entry without its tensors: key, objects, places in dictionaries."""
_VALUE = 40
"""Bytes of one number as a Python object in the list that an answer is written from."""

_pack = msgspec.msgpack.Encoder().encode


class Entry(NamedTuple):
    """One remembered answer."""

    results: Results
    size: int
    until: float
    owner: SlotCache


class Cache:
    """Answers of all slots of one worker; those used least recently go first. Owned by the event loop.

    Args:
        budget: bytes, estimated from the tensors.
        ttl: seconds an answer may be given again; 0 sets no limit.
        clock: monotonic seconds.
    """

    def __init__(self, budget: int, ttl: float, clock: Callable[[], float] = monotonic) -> None:
        self._budget = budget
        self._ttl = ttl or float("inf")
        self._clock = clock
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> Results | None:
        """The answer under `key`, unless it is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.until:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.results

    def put(self, key: bytes, results: Results, owner: SlotCache) -> None:
        """Remember an answer, in place of those used least recently; not one larger than the budget."""
        size = _ENTRY + sum(map(_bytes, results.batch.tensors.values()))
        if size > self._budget:
            return
        if key in self._entries:
            self._drop(key)
        while self.bytes + size > self._budget:
            oldest, entry = next(iter(self._entries.items()))
            entry.owner.evicted()
            self._drop(oldest)
        self._entries[key] = Entry(results, size, self._clock() + self._ttl, owner)
        self.bytes += size
        owner.grown(key, size)

    def purge(self, keys: set[bytes]) -> None:
        """Forget these answers."""
        for key in list(keys):
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key)
        self.bytes -= entry.size
        entry.owner.shrunk(key, entry.size)


class SlotCache:
    """The cache as one slot uses it: asked before its dispatcher, told of every batch after it.

    A `Witness`: it passes on to `inner` what it is told.

    Args:
        identity: of the slot's bundle.
        note: told of every hit, for telemetry, with the monotonic time of the answer.
    """

    def __init__(
        self,
        cache: Cache,
        slot: str,
        identity: str,
        *,
        counters: SlotCounters,
        inner: Witness,
        note: Callable[[Outcome, float], None],
    ) -> None:
        self._cache = cache
        self._start = blake2b(f"{slot}\0{identity}\0".encode(), digest_size=16)
        self._counters = counters
        self._inner = inner
        self._note = note
        self._keys: set[bytes] = set()
        self._bytes = 0

    def answered(self, call: Call) -> bool:
        """Answer a call as one like it was answered before; False when it has to be asked.

        A caller's `Cache-Control: no-cache` asks for a fresh answer, which is remembered; `no-store` for one
        that is not.
        """
        directives = call.directives
        if call.uncut or b"no-store" in directives:
            return False
        key = self._key(call.batch)
        results = self._cache.get(key) if key and b"no-cache" not in directives else None
        if results is None:
            call.key = key
            self._counters.add(shared.CACHE_MISSES)
            return False
        self._repeat(call, results)
        return True

    def purge(self) -> None:
        """Forget all of the slot: it is given up."""
        self._cache.purge(self._keys)

    # What the cache tells.

    def grown(self, key: bytes, size: int) -> None:
        """An answer of this slot is kept."""
        self._keys.add(key)
        self._resize(size)

    def shrunk(self, key: bytes, size: int) -> None:
        """An answer of this slot has gone."""
        self._keys.discard(key)
        self._resize(-size)

    def evicted(self) -> None:
        """An answer of this slot has to make room for another one."""
        self._counters.add(shared.CACHE_EVICTIONS)

    # What the slot's dispatcher tells.

    def starting(self, calls: Sequence[Call]) -> None:
        """A batch of these calls is about to run."""
        self._inner.starting(calls)

    def executed(self, outcomes: list[Outcome], now: float) -> None:
        """A batch ran: remember what was answered well."""
        self._inner.executed(outcomes, now)
        for outcome in outcomes:
            call = outcome.call
            if call.key and call.status == 200 and (results := _whole(outcome)) is not None:
                self._cache.put(call.key, results, self)

    def dropped(self, call: Call, now: float) -> None:
        """A call left the queue without being run."""
        self._inner.dropped(call, now)

    def _repeat(self, call: Call, results: Results) -> None:
        call.repeated()
        call.status = call.answered(results, 0)
        now = monotonic()
        self._counters.add(shared.CACHE_HITS)
        self._counters.add(shared.CACHE_HIT_NS, int((now - call.received) * 1e9))
        self._counters.repeated(call)
        self._note(Outcome(call, results, 0, None), now)

    def _resize(self, size: int) -> None:
        self._bytes += size
        self._counters.gauge(shared.CACHE_BYTES, self._bytes)

    def _key(self, batch: Batch) -> bytes:
        """What tells this input from all others; empty for one that cannot be told, or not at once."""
        digest = self._start.copy()
        room = LONGEST
        try:
            for name, tensor in batch.tensors.items():
                parts = (tensor.offsets, tensor.values) if isinstance(tensor, Ragged) else (tensor,)
                for part in parts:
                    content = _content(part)
                    room -= memoryview(content).nbytes
                    if room < 0:
                        return b""
                    digest.update(f"{name}\0{part.dtype.str}{part.shape}".encode())
                    digest.update(content)
        except TypeError:
            return b""
        return digest.digest()


def _content(array: Array) -> bytes | memoryview:
    """Bytes that two arrays of one dtype and shape share only when they are equal."""
    if array.dtype.kind == "O":
        return _pack(array.tolist())
    return np.ascontiguousarray(array).data


def _whole(outcome: Outcome) -> Results | None:
    """The call's own part of the results; None when a row of it failed or is not finite."""
    results, call = outcome.results, outcome.call
    if results is None or any(outcome.start <= row < outcome.start + call.rows for row in results.errors):
        return None
    if call.rows != results.batch.rows:
        tensors = {
            name: _copy(tensor, outcome.start, call.rows) for name, tensor in results.batch.tensors.items()
        }
        results = Results(Batch(call.rows, tensors), results.meaning)
    return None if nonfinite_rows(results.batch) else results


def _copy(tensor: Tensor, start: int, rows: int) -> Tensor:
    """Rows of their own: a view would keep the whole batch."""
    if isinstance(tensor, Ragged):
        offsets = tensor.offsets[start : start + rows + 1]
        return Ragged(tensor.values[offsets[0] : offsets[-1]].copy(), offsets - offsets[0])
    return tensor[start : start + rows].copy()


def _bytes(tensor: Tensor) -> int:
    if isinstance(tensor, Ragged):
        return tensor.offsets.nbytes + _bytes(tensor.values)
    plain: int = tensor.nbytes + _VALUE * tensor.size
    if tensor.dtype.kind != "O":
        return plain
    return plain + sum(len(value) for value in tensor.ravel() if isinstance(value, str | bytes))
