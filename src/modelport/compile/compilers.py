"""Which compiler takes a live model: the entry points `modelport.compilers`, ours among them.

An entry point has the name of the library whose models it takes. A model is taken by the compiler of the most
derived of its classes that has one: `xgboost` for an `XGBClassifier`, though that is a scikit-learn estimator
too, and `sklearn` for an estimator somebody wrote for himself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol

from modelport.compile.compiled import Adopted
from modelport.compile.sample import Sample
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.runtimes.image.spec import ImageInput

GROUP = "modelport.compilers"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller said beside model and sample.

    Attributes:
        labels: names of the classes, in the order of their indices.
        vectorizer: belongs to an estimator that was fitted on its output.
        task: what the outputs mean, for models that do not say.
        image: how pictures become the tensor that the model takes.
        signature: which of several functions of a SavedModel.
    """

    labels: Sequence[Label] | None = None
    vectorizer: Any = None
    task: Task | None = None
    image: ImageInput | None = None
    signature: str | None = None


class Compiler(Protocol):
    """Turns the live models of one library into candidates for a bundle."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """The model as the compile step sees it, with its sample; `data` is whatever `Sample.of` takes.

        Raises `Unsupported` with the reason a maintainer would give.
        """
        ...


def compiler_of(model: object) -> Compiler | None:
    """The compiler that takes `model`, None when there is none. Imports only that one."""
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    name = next((library for library in _libraries(model) if library in installed), None)
    return None if name is None else _built(installed[name].load())


def libraries() -> tuple[str, ...]:
    """Libraries whose models are taken, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def _libraries(model: object) -> Iterator[str]:
    """Top packages of the classes of `model`, most derived first."""
    yield from (each.__module__.partition(".")[0] for each in type(model).__mro__)


def _built(kind: type[Compiler]) -> Compiler:
    return kind()
