"""Seeded streams of rollout evidence, as replicas would report it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelport.core.evidence import Increment, Outcomes
from modelport.core.latency import CELLS

CANDIDATE, BASELINE, CONTROL = "m:2", "m:1", "m:1~control"

Load = Callable[[float], float]
"""What a stream does over its course (0 to 1): a factor, 1 for as always."""


def steady(_: float) -> float:
    """As always."""
    return 1.0


@dataclass(frozen=True)
class Arm:
    """How a version behaves: faults and wrong labels as shares, latency as a lognormal law."""

    errors: float = 0.005
    wrong: float = 0.08
    median: float = 0.02
    sigma: float = 0.5


@dataclass(frozen=True)
class Traffic:
    """How requests come, and how they are split.

    Attributes:
        requests: of all arms, in the whole stream.
        batch: requests between two looks.
        share: of the candidate, and of its control slot.
        control: whether there is a control slot; without it the baseline has the rest.
        labelled: share of the predictions whose truth becomes known.
        late: of these, share that comes `delay` batches later.
        delay: see `late`.
        errors: factor of every arm's rate of faults over the stream.
        latency: factor of every arm's latency over the stream.
        volume: factor of the requests in a batch over the stream.
        retries: most times that a request is sent again after a fault.
    """

    requests: int = 20_000
    batch: int = 100
    share: float = 0.1
    control: bool = True
    labelled: float = 1.0
    late: float = 0.0
    delay: int = 0
    errors: Load = steady
    latency: Load = steady
    volume: Load = steady
    retries: int = 0


ALWAYS = Traffic()


class Stream:
    """The increments of one rollout, one a batch."""

    def __init__(
        self, rng: np.random.Generator, candidate: Arm, baseline: Arm, traffic: Traffic = ALWAYS
    ) -> None:
        self._rng, self._traffic = rng, traffic
        self._arms = {CANDIDATE: candidate, CONTROL: baseline, BASELINE: baseline}
        self._waiting: dict[int, list[tuple[str, Outcomes]]] = {}

    def __iter__(self) -> Iterator[Increment]:
        sent = batch = 0
        while sent < self._traffic.requests:
            when = sent / self._traffic.requests
            counts = self._split(max(1, round(self._traffic.batch * self._traffic.volume(when))))
            slots = {slot: self._batch(slot, count, when) for slot, count in counts.items()}
            for slot, count in counts.items():
                self._predict(slot, count, batch)
            for slot, labels in self._waiting.pop(batch, []):
                slots[slot] = slots[slot].plus(labels)
            yield Increment(slots)
            sent, batch = sent + sum(counts.values()), batch + 1

    def _split(self, requests: int) -> dict[str, int]:
        share = self._traffic.share
        control = share if self._traffic.control else 0.0
        counts = self._rng.multinomial(requests, [share, control, 1 - share - control])
        return dict(zip(self._arms, counts.tolist(), strict=True))

    def _batch(self, slot: str, count: int, when: float) -> Outcomes:
        """A batch of an arm, without its labels. What is sent again fails by the same chance."""
        arm, traffic = self._arms[slot], self._traffic
        chance = min(1.0, arm.errors * traffic.errors(when))
        trials, faults = count, 0
        again = int(self._rng.binomial(count, chance))
        for _ in range(traffic.retries):
            faults, trials = faults + again, trials + again
            again = int(self._rng.binomial(again, chance))
        times: Counter[int] = Counter()
        if slot != BASELINE or not traffic.control:
            middle = np.log(arm.median * traffic.latency(when))
            times = Counter(cells(self._rng.lognormal(middle, arm.sigma, trials)).tolist())
        return Outcomes(trials, 0, trials, trials, faults + again, times)

    def _predict(self, slot: str, count: int, batch: int) -> None:
        """Labels of a batch's predictions: some known at once, the late ones some batches on."""
        traffic = self._traffic
        labels = int(self._rng.binomial(count, traffic.labelled))
        late = int(self._rng.binomial(labels, traffic.late))
        for number, at in ((labels - late, batch), (late, batch + traffic.delay)):
            if number:
                right = number - int(self._rng.binomial(number, self._arms[slot].wrong))
                self._waiting.setdefault(at, []).append((slot, Outcomes(labels=number, right=right)))


def cells(seconds: NDArray[np.float64]) -> NDArray[np.intp]:
    """`core.latency.bucket` of many latencies at once."""
    parts, octaves = np.frexp(np.floor(seconds * 1e9))
    found = 1 + (octaves - 17) * 32 + np.floor((parts * 2 - 1) * 32).astype(int)
    return np.asarray(np.clip(found, 0, CELLS - 1), dtype=np.intp)
