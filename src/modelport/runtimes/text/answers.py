"""From scores to the outputs that a signature names, with ties decided on exact scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelport.runtimes.batch import Array
from modelport.runtimes.text.arrays import Floats
from modelport.runtimes.text.linear import Kernel
from modelport.runtimes.text.links import Link, expit

CLOSE = 1e-9
"""Two classes nearer than this, relative to the larger, are decided on exact scores."""


@dataclass(frozen=True, slots=True)
class Regression:
    """`value`: scores, or their exponentials where `exponential`; `(-1,)` for one output."""

    kernel: Kernel
    exponential: bool

    def answer(self, texts: Sequence[str]) -> dict[str, Array]:
        values = self.kernel.scores(texts)
        if self.exponential:
            values = np.exp(values)
        return {"value": _flat(values)}


@dataclass(frozen=True, slots=True)
class Classification:
    """`label`, and `probabilities` or `scores`.

    `by_probability` says that labels follow the probabilities, as calibrated models do; otherwise the scores.
    """

    kernel: Kernel
    link: Link | None
    by_probability: bool

    def answer(self, texts: Sequence[str]) -> dict[str, Array]:
        scores = self.kernel.scores(texts)
        deciding = self._deciding(scores)
        close = undecided(deciding)
        if close.any():
            scores[close] = self.kernel.exact([texts[place] for place in np.flatnonzero(close).tolist()])
            deciding = self._deciding(scores)
        if self.by_probability:
            return {"label": decided(deciding), "probabilities": deciding}
        if self.link is not None:
            return {"label": decided(deciding), "probabilities": self.link(scores)}
        return {"label": decided(deciding), "scores": _flat(scores)}

    def _deciding(self, scores: Floats) -> Floats:
        return self.link(scores) if self.by_probability and self.link is not None else scores


@dataclass(frozen=True, slots=True)
class Multilabel:
    """`labels` 0 or 1 per target and, where `probable`, their `probabilities`."""

    kernel: Kernel
    probable: bool

    def answer(self, texts: Sequence[str]) -> dict[str, Array]:
        scores = self.kernel.scores(texts)
        close = (np.abs(scores) <= CLOSE).any(axis=1)
        if close.any():
            scores[close] = self.kernel.exact([texts[place] for place in np.flatnonzero(close).tolist()])
        labels = (scores > 0.0).astype(np.int64)
        return {"labels": labels, "probabilities": expit(scores)} if self.probable else {"labels": labels}


def undecided(deciding: Floats) -> npt.NDArray[np.bool_]:
    """Rows whose best two classes are closer than `CLOSE`."""
    if deciding.shape[1] == 1:
        return np.abs(deciding[:, 0]) <= CLOSE
    best = deciding.max(axis=1, keepdims=True)
    near: npt.NDArray[np.bool_] = (deciding >= best - CLOSE * (1.0 + np.abs(best))).sum(axis=1) > 1
    return near


def decided(deciding: Floats) -> npt.NDArray[np.int64]:
    """The first class with the highest value; with one column, class 1 where it is above zero."""
    if deciding.shape[1] == 1:
        return (deciding[:, 0] > 0.0).astype(np.int64)
    best: npt.NDArray[np.int64] = np.argmax(deciding, axis=1)
    return best


def _flat(values: Floats) -> Floats:
    return values[:, 0] if values.shape[1] == 1 else values
