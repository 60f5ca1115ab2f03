"""Three models of handwritten digits: one that saw little, one that saw more, and one that saw it wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NAME = "scans"
_FEW = 80
"""The contenders are alike in speed, so that what they know decides."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A fitted model and its story."""

    about: str
    model: Any


@dataclass(frozen=True, slots=True)
class Contest:
    """The contenders in the order they come; rows none of them has seen, and what those really are."""

    contenders: tuple[Contender, Contender, Contender]
    sample: Any
    items: Sequence[Sequence[float]]
    truths: Sequence[int]


def contest() -> Contest:
    """Fit them, on up to three quarters of 1,797 images of 8 by 8 pixels.

    The last one was fitted on images that lay on their side, as happens when a loader swaps rows and columns:
    every check of its own data is fine, and in production it is wrong.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    seen, unseen, target, truth = train_test_split(
        data.data, data.target, test_size=0.25, random_state=0, stratify=data.target
    )
    turned = seen.reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)
    few, right = seen[:_FEW], target[:_FEW]
    return Contest(
        (
            Contender(f"a neural network fitted on {_FEW} images", _network().fit(few, right)),
            Contender(f"the same network, fitted on {len(seen):,}", _network().fit(seen, target)),
            Contender("the same again, but on images that lay on their side", _network().fit(turned, target)),
        ),
        seen,
        unseen.tolist(),
        [int(digit) for digit in truth],
    )


def _network() -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=600, random_state=0))
