"""A library's own models behind one face, with the document of what they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from modelport.compile.boosting.boosted import Boosted
from modelport.runtimes.batch import Array

Kind = Literal["classifier", "labels", "regressor"]
"""One of several classes, several labels at once, or numbers."""


@dataclass(frozen=True, slots=True)
class Native:
    """A trained model as its library holds it.

    Attributes:
        library: its name.
        model: the library's own object.
        boosted: what it computes.
        kind: what it answers.
        names: of its features; empty where it was trained on bare numbers.
        classes: values of its classes, in order; for `classifier`.
        predict: answers rows: class indices or numbers.
        probabilities: of the classes, or of each label.
    """

    library: str
    model: Any
    boosted: Boosted
    kind: Kind
    names: tuple[str, ...]
    classes: tuple[Any, ...]
    predict: Callable[[Any], Array]
    probabilities: Callable[[Any], Array]


@contextmanager
def asking(*errors: type[Exception]) -> Iterator[None]:
    """While a library answers: its own errors about rows become `ValueError`, as scikit-learn's are."""
    try:
        yield
    except errors as error:
        raise ValueError(str(error)) from error


def pair(second: Any) -> Array:
    """Probabilities of two classes from those of the second one."""
    likely = np.asarray(second)
    return np.column_stack([1.0 - likely, likely])


def softmax(margins: Any) -> Array:
    """Probabilities from raw sums, `[n, classes]`."""
    shifted = np.exp(margins - np.max(margins, axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
