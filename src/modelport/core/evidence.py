"""What is counted about the arms of a rollout: numbers only, added up over workers, replicas and restarts.

Evidence comes from these cumulative counters, never from sampled events: a candidate that crashes its worker
cannot destroy what speaks against it.

A trial is one request, whose rows share a fate; of callers that stick to an arm, it is the first request of
each in a rollout: what one caller sends is alike, so a thousand requests of his are not a thousand witnesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec


class Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the requests of one arm ended.

    Callers' own faults (4xx), refusals under load and requests that their caller left are not among them:
    they say nothing about the model.

    Attributes:
        requests: that ended in an answer or a fault.
        broken: of the requests, those with a non-finite output or a broken contract.
        assigned: trials by what the split said, before anything could go wrong.
        trials: that ended in an answer or a fault.
        faults: of the trials, ended by the model or the server: exception, non-finite output, broken
            contract, missed deadline, worker lost.
        latencies: trials by `core.latency.bucket`, from last byte received to answer ready, without answers
            from the cache.
        labels: predictions whose truth is known.
        right: of these, predictions that were right, by what was said of them first.
        amended: how many more of them are right by what was said since; below zero for fewer.
    """

    requests: int = 0
    broken: int = 0
    assigned: int = 0
    trials: int = 0
    faults: int = 0
    latencies: Mapping[int, int] = {}
    labels: int = 0
    right: int = 0
    amended: int = 0

    @property
    def correct(self) -> int:
        """Predictions that were right, as it is known now.

        Corrections may be about labels that were counted before these: they never make more or fewer of them.
        """
        return min(max(self.right + self.amended, 0), self.labels)

    def plus(self, other: Outcomes) -> Outcomes:
        """Both together."""
        counts = [one + two for one, two in zip(self._counts(), other._counts(), strict=True)]
        buckets = self.latencies.keys() | other.latencies.keys()
        amended = self.amended + other.amended
        return _outcomes(counts, {at: self._at(at) + other._at(at) for at in buckets}, amended)

    def since(self, before: Outcomes) -> Outcomes:
        """What was added to `before`. A counter that went back began anew: all it holds was added."""
        counts = [now - then for now, then in zip(self._counts(), before._counts(), strict=True)]
        if any(count < 0 for count in counts):
            return self
        buckets = {at: count - before._at(at) for at, count in self.latencies.items()}
        return _outcomes(counts, buckets, self.amended - before.amended)

    def _counts(self) -> tuple[int, ...]:
        """What only grows."""
        return (
            self.requests, self.broken, self.assigned, self.trials, self.faults, self.labels, self.right
        )  # fmt: skip

    def _at(self, bucket: int) -> int:
        return self.latencies.get(bucket, 0)


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


def _outcomes(counts: Iterable[int], latencies: Mapping[int, int], amended: int) -> Outcomes:
    requests, broken, assigned, trials, faults, labels, right = counts
    known = {at: count for at, count in sorted(latencies.items()) if count > 0}
    return Outcomes(requests, broken, assigned, trials, faults, known, labels, right, amended)
