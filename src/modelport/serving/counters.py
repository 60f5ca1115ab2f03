"""One slot's counters in this worker's row of the shared segment."""

from __future__ import annotations

from typing import Protocol

from modelport.serving import shared


class Counters(Protocol):
    """What is counted of one slot: `shared` names the cells."""

    def add(self, cell: int, amount: int = 1) -> None: ...

    def gauge(self, cell: int, value: int) -> None: ...

    def answered(self, protocol: int, status: int, seconds: float) -> None: ...

    def refused(self, protocol: int, status: int) -> None: ...

    def executed(self, rows: int, decoding: float, waiting: float, computing: float) -> None: ...


class SlotCounters:
    """Adds to cells that only this worker writes. A few adds per batch, three per request."""

    __slots__ = ("_cells", "_first")

    def __init__(self, segment: shared.Segment, worker: int, place: int) -> None:
        self._cells = segment.cells
        self._first = segment.slot(worker, place)

    def add(self, cell: int, amount: int = 1) -> None:
        """Add to one cell."""
        self._cells[self._first + cell] += amount

    def gauge(self, cell: int, value: int) -> None:
        """Set a cell that goes up and down."""
        self._cells[self._first + cell] = value

    def answered(self, protocol: int, status: int, seconds: float) -> None:
        """One request answered by the model: status, latency histogram and sum."""
        cells, first = self._cells, self._first
        if status != 200:
            cells[first + shared.FAIL_NS] += int(seconds * 1e9)
        cells[first + shared.request_cell(protocol, status)] += 1
        cells[first + shared.latency_cell(protocol, seconds)] += 1
        cells[first + shared.LATENCY_NS + protocol] += int(seconds * 1e9)

    def refused(self, protocol: int, status: int) -> None:
        """One request answered without the model: counted by status, no latency evidence."""
        self._cells[self._first + shared.request_cell(protocol, status)] += 1

    def executed(self, rows: int, decoding: float, waiting: float, computing: float) -> None:
        """One batch ran; seconds, those before it summed over its calls."""
        cells, first = self._cells, self._first
        cells[first + shared.ROWS] += rows
        cells[first + shared.BATCHES] += 1
        cells[first + shared.INPUT_NS] += int(decoding * 1e9)
        cells[first + shared.QUEUE_NS] += int(waiting * 1e9)
        cells[first + shared.COMPUTE_NS] += int(computing * 1e9)
        cells[first + shared.batch_cell(rows)] += 1
