"""The sparse linear kernel: scores of texts, fast where it does not matter and exact where it does.

`Kernel.scores` takes the short way of `fused`; `Kernel.exact` sums in scikit-learn's own order. Both agree to
a few units in the last place, and `exact` decides where two classes are closer than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from modelport.runtimes.text import arrays
from modelport.runtimes.text.arrays import Floats
from modelport.runtimes.text.fused import Fused, fuse
from modelport.runtimes.text.spec import Linear
from modelport.runtimes.text.vectorizer import Row, Vectorizer


@dataclass(frozen=True, slots=True)
class Kernel:
    """Weights float64 `[columns, outputs]` and intercept `[outputs]` over a vectorizer. Thread-safe.

    `fused` is empty where rows are weighted more than once, which only `exact` can follow.
    """

    vectorizer: Vectorizer
    weights: Floats
    intercept: Floats
    fused: tuple[Fused, ...]

    def scores(self, texts: Sequence[str]) -> Floats:
        """Scores `[n, outputs]`, each within a few units in the last place of `exact`."""
        if not self.fused:
            return self.exact(texts)
        total = self.fused[0].scores(texts)
        for block in self.fused[1:]:
            total += block.scores(texts)
        total += self.intercept
        return total

    def exact(self, texts: Sequence[str]) -> Floats:
        """Scores `[n, outputs]`, summed strictly in column order as scikit-learn's sparse product is."""
        sums = [self._sum(row) for row in self.vectorizer.rows(texts)]
        return np.array(sums, np.float64).reshape(len(texts), len(self.intercept)) + self.intercept

    def _sum(self, row: Row) -> Floats:
        if not len(row.columns):
            return np.zeros(len(self.intercept))
        products = row.values[:, None] * self.weights[row.columns]
        return np.cumsum(products, axis=0)[-1]  # type: ignore[no-any-return]


def load(spec: Linear, vectorizer: Vectorizer, read: Callable[[str], bytes]) -> Kernel:
    """The kernel that `spec` describes; `read` gives the files it names. Raises `BundleCorrupt`."""
    weights = arrays.load(read(spec.weights), (vectorizer.width, spec.outputs), spec.weights)
    intercept = arrays.load(read(spec.intercept), (spec.outputs,), spec.intercept)
    once = not vectorizer.weightings and all(len(part.weightings) <= 1 for part in vectorizer.parts)
    fused = tuple(fuse(part, weights) for part in vectorizer.parts) if once and not spec.sequential else ()
    return Kernel(vectorizer, weights, intercept, fused)
