"""One slot's counters in this worker's row of the shared segment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from modelport.core.latency import bucket
from modelport.serving import shared
from modelport.serving.evidence import Ending

if TYPE_CHECKING:
    from modelport.serving.call import Call


_WELL = Ending.WELL  # looked up once: a member of an enum costs as much as the additions


class Counters(Protocol):
    """What is counted of one slot: `shared` names the cells."""

    def add(self, cell: int, amount: int = 1) -> None: ...

    def gauge(self, cell: int, value: int) -> None: ...

    def running(self, calls: Iterable[Call], sign: int) -> None: ...

    def answered(self, call: Call, seconds: float, ending: Ending) -> None: ...

    def refused(self, protocol: int, status: int) -> None: ...

    def executed(self, rows: int, decoding: float, waiting: float, computing: float) -> None: ...


class SlotCounters:
    """Adds to cells that only this worker writes. A few adds per batch, five per request."""

    __slots__ = ("_cells", "_evidence", "_first")

    def __init__(self, segment: shared.Segment, worker: int, place: int) -> None:
        self._cells = segment.cells
        self._first = segment.slot(worker, place)
        self._evidence = segment.evidence(worker, place)

    def add(self, cell: int, amount: int = 1) -> None:
        """Add to one cell."""
        self._cells[self._first + cell] += amount

    def gauge(self, cell: int, value: int) -> None:
        """Set a cell that goes up and down."""
        self._cells[self._first + cell] = value

    def assigned(self) -> None:
        """A trial: a split, or that there is none, says that this slot is to answer."""
        self._cells[self._evidence + shared.ASSIGNED] += 1

    def running(self, calls: Iterable[Call], sign: int) -> None:
        """A batch of these calls begins (1) or ended (-1); if this worker dies meanwhile, they are lost."""
        count = trials = 0
        for call in calls:
            count += 1
            trials += call.trial
        self._cells[self._first + shared.EXECUTING] += sign * count
        self._cells[self._evidence + shared.TRYING] += sign * trials

    def answered(self, call: Call, seconds: float, ending: Ending) -> None:
        """One request answered by the model: status, latency histogram and sum; and as evidence."""
        cells, first, protocol, status = self._cells, self._first, call.protocol, call.status
        nanoseconds = int(seconds * 1e9)
        if status != 200:
            cells[first + shared.FAIL_NS] += nanoseconds
        cells[first + shared.request_cell(protocol, status)] += 1
        cells[first + shared.latency_cell(protocol, seconds)] += 1
        cells[first + shared.LATENCY_NS + protocol] += nanoseconds
        if ending:
            cells[self._evidence + (shared.TIMED + bucket(nanoseconds) if call.trial else shared.PLAIN)] += 1
            if ending is not _WELL:
                self._blame(call, ending)

    def repeated(self, call: Call) -> None:
        """One request answered from the cache: no evidence of latency."""
        self.refused(call.protocol, call.status)
        self._untimed(call)

    def failed(self, call: Call, ending: Ending) -> None:
        """One request answered without the model: by status, and as evidence where that is its doing."""
        self.refused(call.protocol, call.status)
        if ending:
            self._untimed(call)
            self._blame(call, ending)

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

    def _untimed(self, call: Call) -> None:
        self._cells[self._evidence + (shared.UNTIMED if call.trial else shared.PLAIN)] += 1

    def _blame(self, call: Call, ending: Ending) -> None:
        self._cells[self._evidence + shared.FAULTS] += call.trial
        self._cells[self._evidence + shared.BROKEN] += ending is Ending.BROKEN
