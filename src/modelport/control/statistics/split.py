"""Whether a split gives each arm what it was to give: the sample-ratio mismatch test, valid at any time.

A split that loses or doubles requests of one arm makes every comparison wrong, so it is tested for itself.
The test is the sequential multinomial test of two arms (Lindon & Malek 2022, "Anytime-valid inference for
multinomial count data"), with the prior on the odds instead of the share, so that a share that changes from
step to step is no matter.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from modelport.control.statistics import odds, rate
from modelport.core.plan import BASIS_POINTS


class Split(msgspec.Struct, frozen=True, omit_defaults=True):
    """Evidence about the odds of being assigned, against those of the share: a value that is kept.

    Attributes:
        ll: the log-likelihoods over `odds.THETA`, as 64-bit floats; empty before the first.
        assigned, total: requests of the candidate, and of all arms, while the share was known.
        expected: requests the candidate was to have.
    """

    ll: bytes = b""
    assigned: int = 0
    total: int = 0
    expected: float = 0.0

    def add(self, assigned: int, total: int, share: float | None) -> Split:
        """With one more increment; without it where the share (basis points) is unknown, none or all."""
        if share is None or not 0 < share < BASIS_POINTS or total == 0:
            return self
        part = share / BASIS_POINTS
        before = np.frombuffer(self.ll) if self.ll else np.zeros(odds.POINTS)
        return Split(
            (before + rate.tilts(total, assigned, part)).tobytes(),
            self.assigned + assigned,
            self.total + total,
            self.expected + part * total,
        )

    def mismatch(self) -> float:
        """Log e-value against "the odds are those of the share, within one step of the grid (5 %)"."""
        if not self.ll:
            return 0.0
        ll = np.frombuffer(self.ll)
        return float(np.logaddexp(odds.above(ll, odds.EVEN + 1), odds.below(ll, odds.EVEN - 1))) - math.log(2)
