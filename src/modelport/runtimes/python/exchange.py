"""What a Python model is given, and what it may answer.

Given, by what one item is: `text` a list of `str`; `vector` an array `[rows, columns]`; `columns` and
`tensors` a dict of arrays by name. The arrays are the model's own to change.

Answered, by task: an array or list with one value per row for the task's main output; or a dict by output
name; or a list of such dicts, one per row. A class is answered by its label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelport.core.manifest import Label, Manifest
from modelport.core.signature import Field, Item, Task
from modelport.errors import ModelFailed
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.dtypes import NUMPY
from modelport.runtimes.python.entities import tensors

MAIN: Mapping[Task, str] = {
    "classification": "label",
    "regression": "value",
    "clustering": "cluster",
    "outlier": "label",
    "multilabel": "labels",
    "transform": "values",
    "entities": "entities",
}
"""The output that a bare answer is, by task."""


def given(item: Item, batch: Batch) -> Any:
    """The batch as the model takes it."""
    if item == "text":
        return batch.array(next(iter(batch.tensors))).tolist()
    arrays = {name: _own(batch.array(name)) for name in batch.tensors}
    return next(iter(arrays.values())) if item == "vector" else arrays


def named(answer: Any, task: Task | None) -> dict[str, Any]:
    """An answer by output name; under an empty one where there is none, and no task yet.

    Raises `ModelFailed` (`contract-broken`) for an answer without a name that the task needs.
    """
    if isinstance(answer, Mapping):
        return {str(name): values for name, values in answer.items()}
    if isinstance(answer, Sequence) and answer and all(isinstance(row, Mapping) for row in answer):
        names = dict.fromkeys(str(name) for row in answer for name in row)
        return {name: [row.get(name) for row in answer] for name in names}
    main = "" if task is None else MAIN.get(task)
    if main is None:
        msg = f"the model answered {type(answer).__name__}, not a dict by output name"
        raise _broken(msg)
    return {main: answer}


def outputs(answer: Any, rows: int, manifest: Manifest) -> Batch:
    """The answer as the signature has it. Raises `ModelFailed` (`contract-broken`) where it does not fit."""
    values = named(answer, manifest.task)
    places = _places(manifest)
    if manifest.task == "entities":
        return _entities(values, rows, places or {})
    tensors: dict[str, Array] = {}
    for field in manifest.signature.outputs:
        if field.name not in values:
            msg = f"the model answered {', '.join(map(repr, values)) or 'nothing'}, and not {field.name!r}"
            raise _broken(msg)
        tensors[field.name] = _tensor(values[field.name], field, places if field.name == "label" else None)
        if len(tensors[field.name]) != rows:
            msg = f"the model answered {len(tensors[field.name])} rows of {field.name!r} to {rows}"
            raise _broken(msg)
    return Batch(rows, tensors)


def array(values: Any) -> Array:
    """Whatever holds one entry per row as an array: numbers as they are, all else as objects.

    Raises `ValueError` for what has no rows.
    """
    if hasattr(values, "detach"):  # a torch tensor, without torch
        values = values.detach().cpu().numpy()
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    found = np.asarray(values) if not isinstance(values, list | tuple) else _listed(list(values))
    if not found.ndim:
        msg = "a single value has no rows"
        raise ValueError(msg)
    return _objects(found.tolist()) if found.dtype.kind in "USO" else found


def _places(manifest: Manifest) -> Mapping[Label, int] | None:
    """Indices of labels, where the task answers indices."""
    if manifest.labels is None or manifest.task not in {"classification", "outlier", "entities"}:
        return None
    return {label: place for place, label in enumerate(manifest.labels)}


def _entities(values: Mapping[str, Any], rows: int, places: Mapping[Label, int]) -> Batch:
    try:
        found = tensors(values["entities"], places)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"the model answered something that is no entity of its own: {error}"
        raise _broken(msg, "an entity has text, label, start, end and score") from error
    if len(found["text"]) != rows:
        msg = f"the model answered {len(found['text'])} rows of entities to {rows}"
        raise _broken(msg)
    return Batch(rows, found)


def _tensor(values: Any, field: Field, places: Mapping[Label, int] | None) -> Array:
    try:
        found = array(values)
        if places is not None:
            return _indices(found, places)
        dtype = NUMPY[field.dtype]
        tensor = _objects(found.tolist()) if dtype is object else found.astype(dtype)
    except (ValueError, TypeError) as error:
        msg = f"the model's {field.name!r} is not {field.dtype} {list(field.shape)}"
        raise _broken(msg) from error
    if dtype is not object and not _fits(tensor.shape, field.shape):
        msg = f"the model's {field.name!r} has the shape {list(tensor.shape)}, not {list(field.shape)}"
        raise _broken(msg)
    return tensor


def _indices(found: Array, places: Mapping[Label, int]) -> Array:
    try:
        return np.asarray([places[label] for label in found.reshape(len(found)).tolist()], np.int64)
    except (KeyError, ValueError, TypeError):
        msg = "the model answered a label that is none of its own"
        raise _broken(msg, "pack it with all its labels: --labels a,b,c") from None


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == len(wanted) and all(
        want in {-1, size} for size, want in zip(shape[1:], wanted[1:], strict=True)
    )


def _own(values: Array) -> Array:
    """The same array, writable: a model may change what it was given."""
    return values if values.flags.writeable else values.copy()


def _listed(values: list[Any]) -> Array:
    try:
        found = np.asarray(values)
    except ValueError:  # rows of different lengths
        return _objects(values)
    return found if found.dtype.kind in "iufb" else _objects(values)


def _objects(values: list[Any]) -> Array:
    objects = np.empty(len(values), object)
    objects[:] = values
    return objects


def _broken(what: str, hint: str = "the model breaks its own signature; pack it again") -> ModelFailed:
    return ModelFailed(what, code="contract-broken", hint=hint)
