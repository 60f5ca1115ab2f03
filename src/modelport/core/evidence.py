"""What is counted about the arms of a rollout: numbers only, added up over workers, replicas and restarts.

Evidence comes from these cumulative counters, never from sampled events: a candidate that crashes its worker
cannot destroy what speaks against it. The unit is the request: its rows share one fate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

import msgspec


class Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the requests of one arm ended.

    Callers' own faults (4xx), refusals under load and requests that their caller left are not among them:
    they say nothing about the model.

    Attributes:
        requests: that ended in an answer or a fault.
        faults: of these, ended by the model or the server: exception, non-finite output, broken contract,
            missed deadline, worker lost.
        broken: of the faults, non-finite outputs and broken contracts.
        latencies: counts by `core.latency.bucket`, from last byte received to answer ready, without answers
            from the cache; trailing zeros left out.
        labels: predictions whose truth is known.
        right: of these, predictions that were right.
    """

    requests: int = 0
    faults: int = 0
    broken: int = 0
    latencies: tuple[int, ...] = ()
    labels: int = 0
    right: int = 0

    def plus(self, other: Outcomes) -> Outcomes:
        """Both together."""
        return Outcomes(
            self.requests + other.requests,
            self.faults + other.faults,
            self.broken + other.broken,
            _trimmed(left + right for left, right in _paired(self, other)),
            self.labels + other.labels,
            self.right + other.right,
        )

    def since(self, before: Outcomes) -> Outcomes:
        """What was added to `before`. A counter that went back began anew: all it holds was added."""
        if any(now < then for now, then in zip(self._scalars(), before._scalars(), strict=True)):
            return self
        return Outcomes(
            self.requests - before.requests,
            self.faults - before.faults,
            self.broken - before.broken,
            _trimmed(max(0, now - then) for now, then in _paired(self, before)),
            self.labels - before.labels,
            self.right - before.right,
        )

    def _scalars(self) -> tuple[int, ...]:
        return self.requests, self.faults, self.broken, self.labels, self.right


NONE = Outcomes()
"""Nothing has been seen."""


def total(outcomes: Iterable[Outcomes]) -> Outcomes:
    """All together."""
    result = NONE
    for each in outcomes:
        result = result.plus(each)
    return result


class Increment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was added between two looks, by slot id."""

    slots: Mapping[str, Outcomes] = {}

    def of(self, *slots: str) -> Outcomes:
        """What was added to some slots together."""
        return total(self.slots.get(slot, NONE) for slot in slots)


def _paired(left: Outcomes, right: Outcomes) -> Iterable[tuple[int, int]]:
    return zip_longest(left.latencies, right.latencies, fillvalue=0)


def _trimmed(counts: Iterable[int]) -> tuple[int, ...]:
    found = list(counts)
    while found and not found[-1]:
        found.pop()
    return tuple(found)
