"""From the name of a model to something that predicts."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from modelport.errors import BundleRefused
from modelport.runtimes.python.spec import PythonModel

Predict = Callable[[Any], Any]


def require(requirements: dict[str, str]) -> None:
    """Raise `BundleRefused` (`requirement-absent`) unless every distribution is installed.

    Another version passes: whether the model still answers as it did is for its golden rows to say. Nothing
    is ever installed.
    """
    absent = [f"{name}=={version}" for name, version in requirements.items() if not _installed(name)]
    if absent:
        msg = f"the model needs {', '.join(absent)}, which is not installed here"
        hint = f"install it beside the server: pip install {' '.join(absent)}"
        raise BundleRefused(msg, code="requirement-absent", hint=hint)


def load(model: PythonModel, folder: Path) -> Predict:
    """Import the model's module from `folder`, make the model, load it; what answers a batch.

    A class is made without arguments; its `load`, where it has one, is called once. Raises `BundleRefused`
    (`python-entry`) when there is no such thing, and whatever the model's own code raises.
    """
    require(model.requirements)
    sys.path.insert(0, str(folder))
    found = getattr(_module(model, folder), model.name, None)
    if found is None:
        msg = f"the module {model.module} has no {model.name}"
        raise BundleRefused(msg, code="python-entry")
    return predict_of(found)


def predict_of(found: Any) -> Predict:
    """What answers a batch: a function itself, or the `predict` of an object that is loaded first.

    Raises `BundleRefused` (`python-entry`) for anything else.
    """
    thing = found() if inspect.isclass(found) else found
    predict = getattr(thing, "predict", None)
    if predict is None and not inspect.isclass(found) and inspect.isfunction(found):
        predict = found
    if not callable(predict) or inspect.iscoroutinefunction(predict):
        msg = f"{getattr(found, '__name__', type(found).__name__)} has no plain predict(inputs)"
        raise BundleRefused(
            msg, code="python-entry", hint="a model is a class with predict(self, inputs), or a function"
        )
    if callable(loading := getattr(thing, "load", None)):
        loading()
    answer: Predict = predict
    return answer


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _module(model: PythonModel, folder: Path) -> Any:
    """The module, out of the bundle and from nowhere else."""
    if (top := model.module.partition(".")[0]) in sys.modules:
        msg = f"a module {top} is imported here already, and would hide the model's own"
        raise BundleRefused(msg, code="python-entry", hint="name the model's module otherwise")
    found = import_module(model.module)
    if not Path(found.__file__ or "").resolve().is_relative_to(folder):
        msg = f"the module {model.module} is not in the bundle"
        raise BundleRefused(msg, code="python-entry", hint="pack the model again, with its module")
    return found
