"""What a precision loses: the answers of two graphs to the same rows, compared with the truth. Arrays only.

Both graphs answer the same rows, so the comparison is paired: of n rows only those count on which exactly one
of the two is right (McNemar 1947). With `worse` rows that only the old one gets right, and `better` ones that
only the new one does, the loss is (worse - better) / n; its interval is that of Agresti and Min (2005), which
keeps its promise where few rows differ.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from modelport.compile.compiled import Outputs
from modelport.core.signature import Task
from modelport.runtimes.batch import Array

Measure = Literal["accuracy", "rmse", "agreement", "similarity"]

_CONFIDENCE = 0.95
_Z = 1.959964
_FEW_NUMBERS = 100
_RESAMPLES = 1000


class Loss(msgspec.Struct, frozen=True):
    """What is lost, in points.

    Attributes:
        measure: `accuracy` (points of a hundred rows), `rmse` (percent by which the root mean square error
            grew), `agreement` (without truth: points of a hundred answers that changed), `similarity`
            (vectors without truth: 100 * (1 - mean cosine)).
        rows: how many rows it was measured on.
        before, after: the measure itself, of fp32 and of the new precision (`accuracy` and shares: 0 to 1).
        lost: the loss in points; negative when the new one is better.
        low, high: the 95 % interval of the loss.
        worse, better: rows that only fp32 gets right, and rows that only the new precision does.
        macro_f1_before, macro_f1_after: of a classification with truth, for classes of unequal size.
    """

    measure: Measure
    rows: int
    before: float
    after: float
    lost: float
    low: float
    high: float
    worse: int = 0
    better: int = 0
    macro_f1_before: float | None = None
    macro_f1_after: float | None = None


def judged(task: Task, truth: Array | None, before: Outputs, after: Outputs) -> Loss:
    """The loss from `before` to `after`, the two graphs' answers to the same rows.

    `truth` has a label index per row (classification), a number or a row of numbers (regression), or is None.
    """
    if task == "classification" and truth is not None:
        return _classified(truth, before["label"], after["label"])
    if task == "regression" and truth is not None:
        return _regressed(truth, before["value"], after["value"])
    name = next((name for name in ("label", "labels", "cluster") if name in before), None)
    if name is not None:
        alike = (before[name] == after[name]).reshape(len(before[name]), -1).all(axis=1)
        return _paired("agreement", np.ones(len(alike), np.bool_), np.asarray(alike))
    return _similar(before, after)


def rows_needed(measure: Measure, allowed: float) -> int:
    """The fewest rows that can tell a loss of `allowed` points from none.

    For shares of rows: as many as would show one such loss with 95 % certainty (n with (1 - p)^n <= 0.05, the
    rule of three). For means of numbers: 100.
    """
    if measure in {"accuracy", "agreement"} and allowed < 100:
        return math.ceil(math.log(1 - _CONFIDENCE) / math.log1p(-allowed / 100))
    return _FEW_NUMBERS


def _classified(truth: Array, before: Array, after: Array) -> Loss:
    loss = _paired("accuracy", before == truth, after == truth)
    return msgspec.structs.replace(
        loss, macro_f1_before=_macro_f1(truth, before), macro_f1_after=_macro_f1(truth, after)
    )


def _paired(measure: Measure, before: Array, after: Array) -> Loss:
    rows, worse, better = len(before), int((before & ~after).sum()), int((after & ~before).sum())
    low, high = _interval(worse, better, rows)
    shares = float(before.mean()), float(after.mean())
    lost = 100 * (worse - better) / rows
    return Loss(measure, rows, *shares, lost, 100 * low, 100 * high, worse, better)


def _interval(worse: int, better: int, rows: int) -> tuple[float, float]:
    """Agresti and Min's interval of a difference of paired shares: Wald's, with half a row added per cell."""
    total, apart, both = rows + 2, worse - better, worse + better + 1
    middle = apart / total
    width = _Z * math.sqrt(both - apart**2 / total) / total
    return max(-1.0, middle - width), min(1.0, middle + width)


def _macro_f1(truth: Array, said: Array) -> float:
    scores = []
    for each in np.union1d(truth, said):
        right = int(((truth == each) & (said == each)).sum())
        scores.append(2 * right / (int((truth == each).sum()) + int((said == each).sum())))
    return float(np.mean(scores))


def _regressed(truth: Array, before: Array, after: Array) -> Loss:
    """Growth of the root mean square error in percent; the interval is a paired bootstrap over rows."""
    old, new = (((each - truth).reshape(len(truth), -1) ** 2).mean(axis=1) for each in (before, after))
    picks = np.random.default_rng(0).multinomial(len(old), np.full(len(old), 1 / len(old)), _RESAMPLES)
    low, high = np.quantile(_growth(picks @ old, picks @ new), (0.025, 0.975))
    errors = float(np.sqrt(old.mean())), float(np.sqrt(new.mean()))
    return Loss("rmse", len(truth), *errors, float(_growth(old.mean(), new.mean())), float(low), float(high))


def _growth(old: Array | np.float64, new: Array | np.float64) -> Array:
    tiny = np.finfo(np.float64).tiny
    return np.asarray(100 * (np.sqrt(new / np.maximum(old, tiny)) - 1))


def _similar(before: Outputs, after: Outputs) -> Loss:
    """Distance of the two vectors of each row, all float outputs end to end."""
    old, new = _vectors(before), _vectors(after)
    norms = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
    same = np.where(
        norms > 0, (old * new).sum(axis=1) / np.where(norms > 0, norms, 1), (old == new).all(axis=1)
    )
    apart = 100 * (1 - same)
    width = _Z * float(apart.std()) / math.sqrt(len(apart))
    lost = float(apart.mean())
    return Loss("similarity", len(apart), 1.0, float(same.mean()), lost, lost - width, lost + width)


def _vectors(answers: Outputs) -> Array:
    floats = [each for each in answers.values() if each.dtype.kind == "f"]
    rows = len(floats[0])
    return np.concatenate([each.reshape(rows, -1).astype(np.float64) for each in floats], axis=1)
