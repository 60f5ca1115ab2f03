"""What we set out to reach, as data, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.load import Spread, ratios, spread

Series = Mapping[str, Mapping[str, Sequence[float]]]
"""Subject, then metric, then one value per round."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of one subject."""

    subject: str
    metric: str


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound on a ratio of two measures, or on one measure alone.

    Attributes:
        text: the aim in words, with its bound.
        of: what is measured.
        over: what it is divided by, round by round; None for the figure itself.
        comparison: on which side of the bound it should be.
        bound: the number.
    """

    text: str
    of: Measure
    over: Measure | None
    comparison: Literal[">=", "<="]
    bound: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """An aim beside what was reached; `met` and `reached` are None where a subject was left out."""

    aim: Aim
    reached: Spread | None
    met: bool | None


def judge(aim: Aim, series: Series) -> Outcome:
    """Compare the median over rounds with the bound."""
    ours = _values(series, aim.of)
    if ours is None:
        return Outcome(aim, None, None)
    if aim.over is None:
        return _outcome(aim, spread(ours))
    theirs = _values(series, aim.over)
    return Outcome(aim, None, None) if theirs is None else _outcome(aim, ratios(ours, theirs))


def _outcome(aim: Aim, reached: Spread) -> Outcome:
    met = reached.median >= aim.bound if aim.comparison == ">=" else reached.median <= aim.bound
    return Outcome(aim, reached, met)


def _values(series: Series, measure: Measure) -> Sequence[float] | None:
    return series.get(measure.subject, {}).get(measure.metric) or None
