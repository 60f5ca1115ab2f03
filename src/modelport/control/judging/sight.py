"""What findings are made of, and how sure a verdict has to be."""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelport.control.judging.level import harm_level
from modelport.control.statistics import rate
from modelport.control.statistics.pair import Pair
from modelport.control.statistics.split import Split
from modelport.control.statistics.tails import Tails
from modelport.core.deployment import Terms
from modelport.core.evidence import Outcomes
from modelport.core.rollout import Finding, Verdict

P95: Final = 0.95


class Sight(msgspec.Struct, frozen=True):
    """What was seen (see `control.judge.Judge`), and on what terms it is judged."""

    terms: Terms
    candidate: Outcomes
    baseline: Outcomes
    control: Outcomes
    errors: Pair
    accuracy: Pair
    latency: Tails
    split: Split


class Levels(msgspec.Struct, frozen=True):
    """Chance of each wrong verdict about one finding: its part of the level for harm, all of it for holds."""

    harm: float
    hold: float

    def times(self, share: float) -> Levels:
        """A part of both."""
        return Levels(self.harm * share, self.hold * share)

    def verdict(self, harm: float, hold: float) -> Verdict:
        """What log e-values against "no harm" and against "not within" show."""
        if harm >= -math.log(self.harm):
            return "harm"
        return "holds" if hold >= -math.log(self.hold) else "open"


class Within(msgspec.Struct, frozen=True):
    """What it takes to show that odds are below those at index `null` of the grid."""

    null: int
    level: float
    spread: float

    def needed(self, verdict: Verdict, ll: NDArray[np.float64], samples: int) -> int | None:
        """Samples still to come, at the present estimate; None when no number would do or none is known."""
        if verdict == "holds":
            return 0
        times = rate.more(ll, self.null, self.level, self.spread) if self.null and ll.any() else None
        return None if times is None else math.ceil((times - 1) * samples)


def levels(name: str, terms: Terms) -> Levels:
    """The levels of a finding among all of its rollout."""
    return Levels(harm_level(name, terms), terms.error_level)


def finite(number: float) -> float | None:
    """The number, or None for an infinite one, which JSON has no word for."""
    return number if math.isfinite(number) else None


def milliseconds(seconds: float) -> str:
    """As people read it."""
    return f"{seconds * 1000:.3g} ms" if math.isfinite(seconds) else "unbounded"


def of_right(wrong: Finding, limit: float, whose: str) -> Finding:
    """A finding about wrong predictions as one about right ones, whose limit is another."""
    estimate = 1 - (wrong.estimate or 0.0)
    low, high = 1 - (1.0 if wrong.high is None else wrong.high), 1 - (wrong.low or 0.0)
    text = f"accuracy {estimate:.2%} [{low:.2%}, {high:.2%}] of {wrong.samples} labels, {whose} {limit:.2%}"
    return msgspec.structs.replace(wrong, estimate=estimate, low=low, high=high, limit=limit, text=text)
