"""A text pipeline taken apart: vectorizing steps, then steps on columns, then the estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelport.compile.sklearn.models import unwrapped
from modelport.errors import Unsupported

VECTORIZERS = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"}
WEIGHTINGS = {"TfidfTransformer", "Normalizer"}


@dataclass(frozen=True, slots=True)
class Stages:
    """Attributes:
    vectorizer: a vectorizer, or a FeatureUnion of some.
    weightings: TfidfTransformer and Normalizer steps right after it.
    columns: the steps between those and the estimator.
    estimator: what answers.
    """

    vectorizer: Any
    weightings: tuple[Any, ...]
    columns: tuple[Any, ...]
    estimator: Any

    @property
    def featurizing(self) -> tuple[Any, ...]:
        """The steps from texts to rows, in order."""
        return (self.vectorizer, *self.weightings)


def stages(model: Any, vectorizer: Any | None) -> Stages:
    """The stages of `model`, with a separate `vectorizer` in front of it where one is given.

    Raises `Unsupported` when texts do not meet a vectorizer first, or nothing answers in the end.
    """
    steps = [*flat(vectorizer), *flat(model)] if vectorizer is not None else flat(model)
    if not steps or not _vectorizes(steps[0]):
        raise _no_vectorizer(steps)
    count = 1
    while count < len(steps) and name_of(steps[count]) in WEIGHTINGS:
        count += 1
    rest = steps[count:]
    if not rest or not hasattr(rest[-1], "predict"):
        msg = "the text pipeline ends in a vectorizer: nothing in it answers"
        raise Unsupported(msg, hint="pack the classifier too: model.pkl --vectorizer vectorizer.pkl")
    return Stages(steps[0], tuple(steps[1:count]), tuple(rest[:-1]), rest[-1])


def flat(model: Any) -> list[Any]:
    """The steps of a pipeline in order, nested pipelines and searches opened, `passthrough` left out."""
    from sklearn.pipeline import Pipeline

    model = unwrapped(model)
    if not isinstance(model, Pipeline):
        return [model]
    steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
    return [inner for step in steps for inner in flat(step)]


def name_of(model: Any) -> str:
    """The class name of scikit-learn's own classes; empty for anybody else's, which may do anything."""
    kind = type(model)
    return kind.__name__ if kind.__module__.startswith("sklearn.") else ""


def _vectorizes(step: Any) -> bool:
    return name_of(step) in VECTORIZERS | {"FeatureUnion"}


def _no_vectorizer(steps: Sequence[Any]) -> Unsupported:
    name = type(steps[0]).__name__ if steps else "an empty pipeline"
    msg = f"texts must meet a text vectorizer of scikit-learn first, but meet {name}"
    return Unsupported(msg, hint="pack the whole pipeline, or give the fitted vectorizer with --vectorizer")
