"""Cells of slots, summed over all workers, as arrays. Only workers import it: the supervisor has no numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelport.serving import shared
from modelport.serving.replica import ledger
from modelport.serving.shared import Segment

Cells = NDArray[np.uint64]
"""One row of cells per slot."""


def merged(segment: Segment, places: Sequence[int]) -> Cells:
    """The cells of the slots at these places, in this order: their sums over all rows ever used."""
    total = np.zeros((len(places), shared.SLOT_CELLS), np.uint64)
    for worker in range(segment.workers):
        if ledger.ever_used(segment, worker):
            total += _row(segment, worker)[list(places)]
    return total


def latest(segment: Segment, places: Sequence[int], cell: int) -> list[int]:
    """The highest that any worker has in one cell, for each of these places."""
    rows = [_row(segment, worker)[list(places), cell] for worker in range(segment.workers)]
    highest: list[int] = np.max(rows, axis=0).tolist()
    return highest


def _row(segment: Segment, worker: int) -> Cells:
    """All slots of one worker, in place: let go of it before the segment is closed."""
    shape = (segment.slots, shared.SLOT_CELLS)
    return np.ndarray(shape, np.uint64, segment.cells, offset=8 * segment.slot(worker, 0))
