"""Where in a folder the model of a flavour is, and what there is to do about those that hold none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelport.bundle.contain import components
from modelport.compile.mlflow.document import Document, corrupt
from modelport.errors import BundleError, SourceRefused

Options = Mapping[str, Any]
Where = Callable[[Path, Options], str]


def model_of(folder: Path, document: Document) -> tuple[str, Path]:
    """The flavour that is read, and its model's file or folder.

    A folder nearly always has the flavour of a library and `python_function`, MLflow's own wrapper around it;
    the library's is read. Raises `SourceRefused` (`mlflow-flavour`, `mlflow-corrupt`).
    """
    known = [name for name in _WHERE if name in document.flavors]
    if not known:
        raise _unknown(document)
    name = known[0]
    path = inside(folder, _WHERE[name](folder, document.flavors[name]))
    return name, path


def inside(folder: Path, name: str) -> Path:
    """A file or folder that the document names. Raises `SourceRefused` for one that is not in the folder."""
    try:
        path = folder.joinpath(*components(name))
    except BundleError as error:
        why = f"it names the file {name[:80]!a}"
        raise corrupt(why) from error
    steps = [path, *path.parents][: len(path.parts) - len(folder.parts)]
    if any(step.is_symlink() for step in steps):
        why = f"{name!r} is a link"
        raise corrupt(why)
    if not path.exists():
        why = f"there is no {name!r} in the folder"
        raise corrupt(why)
    return path


def _named(key: str, usual: str) -> Where:
    """The place that the flavour's options name."""

    def where(folder: Path, options: Options) -> str:
        del folder
        return _text(options.get(key, usual))

    return where


def _tensorflow(folder: Path, options: Options) -> str:
    """Keras models lie in `data/model.keras`, or as a SavedModel below it; other modules in a folder."""
    data = _text(options.get("data") or options.get("saved_model_dir") or "data")
    for name in ("model.keras", "model.h5", "model"):
        if (folder / data / name).exists():
            return f"{data}/{name}"
    return data


def _pytorch(folder: Path, options: Options) -> str:
    data = _text(options.get("model_data", "data"))
    return next(
        (f"{data}/{name}" for name in ("model.pt2", "model.pth") if (folder / data / name).is_file()), data
    )


_WHERE: Mapping[str, Where] = {
    "onnx": _named("data", "model.onnx"),
    "sklearn": _named("pickled_model", "model.pkl"),
    "xgboost": _named("data", "model.ubj"),
    "lightgbm": _named("data", "model.lgb"),
    "catboost": _named("data", "model.cb"),
    "keras": _tensorflow,
    "tensorflow": _tensorflow,
    "pytorch": _pytorch,
    "transformers": _named("model_binary", "model"),
}
"""By flavour, those that say most first."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        why = "the name of a file is no text"
        raise corrupt(why)
    return value


def _unknown(document: Document) -> SourceRefused:
    own = document.flavors.get("python_function", {})
    if own and set(document.flavors) == {"python_function"}:
        msg = "the MLflow folder holds a Python function, which only Python can run"
        hint = "serve its class from a model host: modelport pack MODULE:CLASS --allow-python"
        return SourceRefused(msg, code="mlflow-flavour", hint=hint)
    told = ", ".join(sorted(map(repr, document.flavors)))[:200] or "none"
    msg = f"the MLflow folder has no flavour that is read: it has {told}"
    return SourceRefused(msg, code="mlflow-flavour", hint=f"what is read: {', '.join(_WHERE)}")
