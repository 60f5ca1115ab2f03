"""What a replica tells Prometheus, merged over its workers from the shared segment.

Any worker can answer for all. Series carry `model, version, protocol`, and `code` on counters only; a series
of a protocol or code never seen is left out. It is written on the event loop, so a thousand models have to
cost a few milliseconds: cells are merged as arrays, and a histogram is written as one text.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from modelport.core.plan import Revision
from modelport.serving import shared
from modelport.serving.hosts import board
from modelport.serving.metrics.cells import NS
from modelport.serving.metrics.exposition import Histogram, escaped, family, histogram
from modelport.serving.metrics.families import (
    BATCH_ROWS,
    BUILD,
    CPU,
    DURATION,
    MEMORY,
    REQUESTS,
    REVISION,
    UNROUTED,
    WORKER_UP,
)
from modelport.serving.metrics.merged import Cells, merged
from modelport.serving.metrics.slot_cells import HOST_CELLS, SLOT_CELLS, SPARSE_CELLS
from modelport.serving.metrics.worker_cells import WORKER_CELLS
from modelport.serving.replica import ledger
from modelport.serving.replica.processes import cpu_seconds
from modelport.serving.shared import Segment

Place = tuple[int, str, int]
"""Where a slot's cells are, and the model and version it serves."""


class Slots(NamedTuple):
    """Merged cells, one row per slot, and the labels of each as they are written."""

    labels: Sequence[str]
    cells: Cells


def render(
    segment: Segment,
    slots: Mapping[str, Place],
    *,
    version: str,
    revision: Revision | None = None,
    memory: int = 0,
    hosts: Mapping[str, Mapping[int, int]] | None = None,
    cpu: Callable[[int], float | None] = cpu_seconds,
) -> bytes:
    """The whole exposition, in the text format 0.0.4.

    `version` is Modelport's own, `revision` that of the plan in effect, `memory` the setting; `hosts` are
    cells of the board, by slot that is hosted; `cpu` tells the processor seconds of a process, or None where
    it cannot be known.
    """
    each = Slots(
        [f'model="{escaped(model)}",version="{number}"' for _, model, number in slots.values()],
        merged(segment, [place for place, _, _ in slots.values()]),
    )
    _count_hosts(each, list(slots), hosts or {})
    lines = (
        *_slot_lines(_by_version(each)),
        *_host_lines(dict(zip(slots, each.labels, strict=True)), hosts or {}),
        *_worker_lines(segment, cpu),
        *_info_lines(version, revision, memory),
        "",
    )
    return b"\n".join(map(str.encode, lines))  # never a second copy of the whole


def _by_version(slots: Slots) -> Slots:
    """One row per version: a rollout's control is another slot of a version that answers anyway."""
    rows = {label: row for row, label in enumerate(dict.fromkeys(slots.labels))}
    if len(rows) == len(slots.labels):
        return slots
    total = np.zeros((len(rows), slots.cells.shape[1]), slots.cells.dtype)
    np.add.at(total, [rows[label] for label in slots.labels], slots.cells)
    return Slots(list(rows), total)


def _slot_lines(slots: Slots) -> Iterator[str]:
    yield from family(REQUESTS, _requests(slots))
    yield from histogram(DURATION, shared.BUCKETS, _durations(slots))
    for what, cell, unit in SLOT_CELLS:
        column = slots.cells[:, cell]
        values = column.tolist() if unit == 1 else (column / unit).tolist()
        yield from family(what, zip(slots.labels, values, strict=True))
    for what, cell, unit in SPARSE_CELLS:
        yield from family(what, _seen(slots, cell, unit))
    yield from histogram(BATCH_ROWS, shared.BATCH_BUCKETS, _batches(slots))


def _count_hosts(slots: Slots, names: Sequence[str], hosts: Mapping[str, Mapping[int, int]]) -> None:
    """Instances of a hosted slot are its hosts, which all workers share."""
    for row, name in enumerate(names):
        if name in hosts:
            slots.cells[row, shared.INSTANCES] = hosts[name][board.PID]


def _host_lines(labels: Mapping[str, str], hosts: Mapping[str, Mapping[int, int]]) -> Iterator[str]:
    for what, cell, unit in HOST_CELLS:
        told: Counter[str] = Counter()
        for slot in hosts.keys() & labels.keys():
            told[labels[slot]] += hosts[slot][cell]
        yield from family(what, [(label, _value(count, unit)) for label, count in sorted(told.items())])


def _seen(slots: Slots, cell: int, unit: float) -> Iterator[tuple[str, float]]:
    column = slots.cells[:, cell]
    for slot in np.flatnonzero(column).tolist():
        yield slots.labels[slot], _value(int(column[slot]), unit)


def _requests(slots: Slots) -> Iterator[tuple[str, int]]:
    shape = (len(slots.labels), len(shared.PROTOCOLS), len(shared.CODES))
    counts = slots.cells[:, shared.REQUESTS : shared.REQUESTS + shape[1] * shape[2]].reshape(shape)
    seen = np.nonzero(counts)
    places = zip(*(axis.tolist() for axis in seen), strict=True)
    for (slot, protocol, code), count in zip(places, counts[seen].tolist(), strict=True):
        yield (
            f'{slots.labels[slot]},protocol="{shared.PROTOCOLS[protocol]}",code="{shared.CODES[code]}"',
            count,
        )


def _durations(slots: Slots) -> Iterator[Histogram]:
    width = len(shared.BUCKETS) + 1
    for index, protocol in enumerate(shared.PROTOCOLS):
        named = [f'{one},protocol="{protocol}"' for one in slots.labels]
        first = shared.LATENCY + index * width
        totals = slots.cells[:, shared.LATENCY_NS + index] / NS
        yield from _histograms(named, slots.cells[:, first : first + width], totals)


def _batches(slots: Slots) -> Iterator[Histogram]:
    counts = slots.cells[:, shared.BATCH_SIZES : shared.BATCH_SIZES + len(shared.BATCH_BUCKETS) + 1]
    return _histograms(slots.labels, counts, slots.cells[:, shared.ROWS])


def _histograms(labels: Sequence[str], counts: Cells, totals: np.ndarray) -> Iterator[Histogram]:
    """One per slot that has counted anything."""
    seen = np.flatnonzero(counts.any(axis=1))
    below = counts[seen].cumsum(axis=1).tolist()
    for slot, counted, total in zip(seen.tolist(), below, totals[seen].tolist(), strict=True):
        yield Histogram(labels[slot], counted, total)


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


def _info_lines(version: str, revision: Revision | None, memory: int) -> Iterator[str]:
    yield from family(MEMORY, [("", memory)])
    yield from family(BUILD, [(f'version="{escaped(version)}",python="{platform.python_version()}"', 1)])
    if revision is not None:
        yield from family(REVISION, [(f'revision="{revision}"', 1)])


def _value(count: int, unit: float) -> float:
    return count if unit == 1 else count / unit
