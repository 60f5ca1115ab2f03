"""Who is slower: counts of two arms above thresholds that neither knew of.

A question is whether the candidate passes `factor` times the `share` quantile that the other arm had so far
more often than the other arm passes that quantile itself. A candidate whose latencies are at most `factor`
times those of the other never does so in the long run, wherever the thresholds lie and however the load
changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from modelport.control.statistics.pair import Pair, Table
from modelport.control.statistics.quantile import (
    UPPERS,
    Histogram,
    cell_of,
    exceeding,
    maybe_above,
    size,
    surely_above,
)

LEAST = 8
"""Latencies of each arm that are looked at together: of fewer, their own margins would tell too little."""
REMEMBERED = 8192
"""Latencies after which those remembered count half, so that thresholds follow the load."""


class Question(msgspec.Struct, frozen=True):
    """One comparison. `harm` says on which side of a bucket the candidate's threshold is rounded: for
    showing that it is slower to the longer, for showing that it is not to the shorter.
    """

    share: float
    factor: float
    harm: bool = True

    @property
    def key(self) -> str:
        """Names its evidence."""
        return f"{self.share:g} x {self.factor:g} {'harm' if self.harm else 'hold'}"

    def table(self, candidate: Histogram, other: Histogram, past: Histogram) -> Table:
        """Counts of both arms above their thresholds."""
        cell = cell_of(past, self.share)
        assert cell is not None, "thresholds come from a past that is not empty"
        scaled = UPPERS[cell] * self.factor
        own = surely_above(scaled) if self.harm else maybe_above(scaled)
        return Table(size(candidate), exceeding(candidate, own), size(other), exceeding(other, cell))


class Tails(msgspec.Struct, frozen=True, omit_defaults=True):
    """Evidence about the latencies of two arms: a value that is kept.

    Attributes:
        past: the other arm's latencies so far, of which the thresholds are quantiles.
        candidate, other: latencies that wait until there are `LEAST` of each.
        pairs: evidence by the key of its question.
    """

    past: Histogram = {}
    candidate: Histogram = {}
    other: Histogram = {}
    pairs: Mapping[str, Pair] = {}

    def add(self, candidate: Histogram, other: Histogram, questions: Iterable[Question]) -> Tails:
        """With one more increment."""
        candidate, other = _plus(self.candidate, candidate), _plus(self.other, other)
        if min(size(candidate), size(other)) < LEAST:
            return msgspec.structs.replace(self, candidate=candidate, other=other)
        pairs = dict(self.pairs)
        for question in questions if self.past else ():
            table = question.table(candidate, other, self.past)
            pairs[question.key] = self.pair(question).add(table)
        return Tails(past=_remembered(_plus(self.past, other)), pairs=pairs)

    def pair(self, question: Question) -> Pair:
        """The evidence about a question."""
        return self.pairs.get(question.key, Pair())


def _plus(one: Histogram, two: Histogram) -> Histogram:
    return {at: one.get(at, 0) + two.get(at, 0) for at in sorted(one.keys() | two.keys())}


def _remembered(past: Histogram) -> Histogram:
    if size(past) <= REMEMBERED:
        return past
    return {at: (count + 1) // 2 for at, count in past.items()}
