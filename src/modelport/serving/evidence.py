"""What the end of a request says about the model that answered it, and how that adds up over workers.

The words are `core.evidence.Outcomes`; the cells are in `shared`.
"""

from __future__ import annotations

from enum import IntEnum

from modelport.core import latency
from modelport.core.evidence import Outcomes
from modelport.errors import ModelportError, Overloaded
from modelport.serving import shared
from modelport.serving.replica.ledger import ever_used
from modelport.serving.shared import Segment

_MODELS_OWN = frozenset({"crash-loop", "model-memory", "load-failed"})
"""Refusals that are the model's doing; all others are those of a server that has too much to do."""


class Ending(IntEnum):
    """How a request ended, as evidence."""

    NOTHING = 0
    """It says nothing about the model: the caller's own fault, or a refusal under load."""
    WELL = 1
    FAULT = 2
    """An exception, a missed deadline, a model that does not run."""
    BROKEN = 3
    """A fault that no input excuses: an output that is not finite, or not what the contract says."""


def of_error(error: ModelportError) -> Ending:
    """What a request says of the model when it ended in this error."""
    if error.code == "contract-broken":
        return Ending.BROKEN
    if error.status == Overloaded.status:
        return Ending.FAULT if error.code in _MODELS_OWN else Ending.NOTHING
    return Ending.FAULT if error.status >= 500 else Ending.NOTHING


def outcomes(segment: Segment, place: int) -> Outcomes:
    """What was counted of the slot at a place, by all workers that ever were."""
    total = [0] * shared.EVIDENCE_CELLS
    for worker in range(segment.workers):
        if ever_used(segment, worker):
            first = segment.evidence(worker, place)
            block = segment.cells[first : first + shared.EVIDENCE_CELLS].tolist()
            if any(block):
                total = [one + two for one, two in zip(total, block, strict=True)]
    return _told(total)


def _told(cells: list[int]) -> Outcomes:
    timed = cells[shared.TIMED : shared.TIMED + latency.CELLS]
    trials = sum(timed) + cells[shared.UNTIMED]
    return Outcomes(
        requests=cells[shared.PLAIN] + trials,
        broken=cells[shared.BROKEN],
        assigned=cells[shared.ASSIGNED],
        trials=trials,
        faults=cells[shared.FAULTS],
        latencies={bucket: count for bucket, count in enumerate(timed) if count},
    )
